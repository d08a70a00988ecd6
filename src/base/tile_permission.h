// AMX's tiles make a thread's saved state 8 KB larger, so Linux gives them only to processes that ask. Asked by cpu.cc.
#pragma once

#include <string>

namespace fastconv {

// Asks for the whole process, its running threads and its children by fork; a program that it becomes by exec must ask
// again. Gives why it was refused, or nothing. Once granted, asking again changes nothing.
std::string ask_for_tiles();

}  // namespace fastconv
