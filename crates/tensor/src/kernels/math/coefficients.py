"""The coefficients in this folder: nearly best polynomials by Lawson's iteration, rounded to f32 from the lowest power on.

    python coefficients.py        (needs numpy)

A least-squares fit on Chebyshev nodes is repeated, each node's weight growing with its error, until the largest relative
error stops falling. Then the lowest coefficient is rounded to f32 and held, the others are fitted again, and so on: what
rounding costs one coefficient, the next ones make good.
"""

import numpy as np


def fit(basis, target, weight):
    """Coefficients c that nearly minimize max |weight · (basis @ c − target)|."""
    lawson = np.full(len(target), 1 / len(target))
    best, best_error = None, np.inf
    for _ in range(300):
        root = np.sqrt(lawson) * weight
        c = np.linalg.lstsq(basis * root[:, None], target * root, rcond=None)[0]
        error = np.abs((basis @ c - target) * weight)
        if error.max() < best_error:
            best, best_error = c, error.max()
        lawson = lawson * error / (lawson * error).sum()
    return best, best_error


def rounded(powers, x, target, weight, held=()):
    """As `fit` over x to `powers`, each coefficient an f32; `held` gives the first ones."""
    basis = np.stack([x**p for p in powers], 1)
    fixed = [np.float32(c) for c in held]
    while len(fixed) < len(powers):
        known = basis[:, : len(fixed)] @ np.array(fixed, float) if fixed else 0
        rest, _ = fit(basis[:, len(fixed) :], target - known, weight)
        fixed.append(np.float32(rest[0]))
    error = np.abs((basis @ np.array(fixed, float) - target) * weight).max()
    return fixed, error


def nodes(low, high, count=2001):
    turn = (np.arange(count) + 0.5) * np.pi / count
    return (low + high) / 2 + (high - low) / 2 * np.cos(turn)


def show(name, coefficients, error):
    print(f"{name}: error 2^{np.log2(error):.1f}")
    for c in coefficients:
        print(f"    {np.format_float_positional(c, unique=True)}  {c.view(np.uint32):#010x}")


if __name__ == "__main__":
    # exp(r) = 1 + r + r² q(r), error relative to exp(r).
    r = nodes(-0.3475, 0.3475)
    for degree in (7, 8):
        show(f"exp, {degree}", *rounded(range(2, degree), r, np.expm1(r) - r, np.exp(-r)))
    # tanh(x) = x + x³ p(x²), error relative to tanh(x).
    for degree in (5, 6, 7):
        x = nodes(1e-3, 0.65)
        powers = range(3, 3 + 2 * degree, 2)
        show(f"tanh, {degree}", *rounded(powers, x, np.tanh(x) - x, 1 / np.tanh(x)))
    # ln 2 in two parts, the first of 15 bits so that its products with the integers of ten bits are exact.
    high = np.float32(np.floor(np.log(2) * 2**15) / 2**15)
    low = np.float32(np.log(2) - float(high))
    show("ln 2", [high, low], abs(np.log(2) - float(high) - float(low)))
    # ln(1 + f) = f − f²/2 + f³ p(f), error relative to ln(1 + f).
    f = nodes(-0.2929, 0.4143, 2000)
    f = f[np.abs(f) > 1e-3]
    for degree in (7, 8, 9):
        powers = range(3, 3 + degree)
        show(f"ln, {degree}", *rounded(powers, f, np.log1p(f) - f + f * f / 2, 1 / np.log1p(f)))
