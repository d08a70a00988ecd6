"""Fit the polynomials of src/simd/math.h and print them as C++.

Each function is approximated in the form math.h evaluates, with the smallest largest error relative to the function
(Lawson's iteration: least squares whose weights follow the error). Coefficients become float32 one at a time, from
the one that matters most; the others are fitted again around it.

    python tools/fit_math.py
"""

import math

import numpy as np


def minimax(basis, target, weight, iterations=300):
    """Coefficients c with the smallest max |weight * (basis @ c - target)|."""
    lawson = np.ones(len(target))
    best, best_error = None, math.inf
    for _ in range(iterations):
        scale = np.sqrt(lawson) * weight
        c = np.linalg.lstsq(basis * scale[:, None], target * scale, rcond=None)[0]
        error = np.abs(weight * (basis @ c - target))
        if error.max() < best_error:
            best, best_error = c, error.max()
        lawson *= error / error.max() + 1e-9
        lawson /= lawson.mean()
    return best, best_error


def fit_float32(x, target, weight, degree):
    """Float32 coefficients of a polynomial in x, lowest power first, and the error it keeps."""
    powers = x[:, None] ** np.arange(degree + 1)
    fixed = []
    for k in range(degree + 1):
        rest = target - powers[:, :k] @ np.array(fixed)
        c, _ = minimax(powers[:, k:], rest, weight)
        fixed.append(float(np.float32(c[0])))
    return fixed, np.abs(weight * (powers @ np.array(fixed) - target)).max()


def nodes(low, high, count=2001):
    """Chebyshev points of [low, high]."""
    return (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * (np.arange(count) + 0.5) / count)


def series(x, first, ratio, terms=60):
    """Sum a power series whose term k+1 is term k times x * ratio(k), from its small end."""
    total = np.zeros_like(x)
    term = np.full_like(x, first)
    kept = []
    for k in range(terms):
        kept.append(term)
        term = term * x * ratio(k)
    for term in reversed(kept):
        total = total + term
    return total


def main():
    """Print every polynomial of math.h with its form, interval and error."""

    def show(name, form, coefficients, error):
        print(f"// {name}: {form}; error {error:.1e}")
        print("  " + ", ".join(f"{c:.9g}f" for c in coefficients))

    r = nodes(-0.3475, 0.3475)  # ln2 / 2, and the rounding of the reduction
    q = series(r, 0.5, lambda k: 1 / (k + 3))
    # Relative to expm1(r), which is the stricter of the two uses.
    show("expm1", "r + r^2 P(r), |r| <= ln2/2", *fit_float32(r, q, r * r / np.abs(np.expm1(r)), 4))

    f = nodes(math.sqrt(0.5) - 1, math.sqrt(2) - 1)
    q = series(f, 1 / 3, lambda k: -(k + 3) / (k + 4), 200)
    show(
        "log1p",
        "f - f^2/2 + f^3 P(f), f in [sqrt(1/2) - 1, sqrt(2) - 1]",
        *fit_float32(f, q, np.abs(f**3 / np.log1p(f)), 7),
    )

    s = nodes(0, 0.36)
    q = (np.tanh(np.sqrt(s)) / np.sqrt(s) - 1) / s
    show("tanh", "x + x^3 P(x^2), |x| <= 0.6", *fit_float32(s, q, s / (1 + q * s), 4))

    s = nodes(0, 1)
    q = (np.vectorize(math.erf)(np.sqrt(s)) / np.sqrt(s)) - 1
    show("erf", "x + x P(x^2), |x| <= 1", *fit_float32(s, q, 1 / (1 + q), 6))

    a = nodes(1, 4)
    erfc = np.vectorize(math.erfc)(a)
    show("erf", "1 - exp(-P(a)), a in [1, 4]", *fit_float32(a, -np.log(erfc), erfc / (1 - erfc), 6))


if __name__ == "__main__":
    main()
