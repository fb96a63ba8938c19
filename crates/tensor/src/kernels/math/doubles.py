"""The coefficients of the functions that go through f64: Chebyshev's polynomials, in f64, by mpmath's `chebyfit`.

    python doubles.py        (needs mpmath)

Each line tells the largest error of the polynomial before rounding, absolute, as a power of two.
"""

from mpmath import chebyfit, cos, erfc, exp, log, mp, mpf, pi, polyval, sin, sqrt, floor

mp.dps = 60


def near(f, at, value):
    """`f`, and `value` at its removable singularity."""
    return lambda x: value if abs(x - at) < mpf(10) ** -20 else f(x)


def show(name, f, low, high, count):
    coefficients, error = chebyfit(f, [mpf(low), mpf(high)], count, error=True)
    print(f"{name}: error 2^{float(log(error, 2)):.1f}")
    print("    [" + ", ".join(repr(float(c)) for c in reversed(coefficients)) + "]")


HALF = log(2) / 2 * (1 + mpf(10) ** -6)
for n in (6, 11):
    show(f"(e^r - 1 - r) / r^2, {n}", near(lambda r: (exp(r) - 1 - r) / r**2, 0, mpf(1) / 2), -HALF, HALF, n)

MOST = ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2 * (1 + mpf(10) ** -6)
atanh2 = lambda s: log((1 + s) / (1 - s)) / s
show("log2 of (1 + s) / (1 - s), / s, of s^2", near(lambda z: atanh2(sqrt(z)) / log(2), 0, 2 / log(2)), mpf(10) ** -30, MOST, 6)
show("ln of (1 + s) / (1 - s), / s - 2, / s^2, of s^2", lambda z: (atanh2(sqrt(z)) - 2) / z, mpf(10) ** -20, MOST, 8)

QUARTER = (pi / 4) ** 2 * (1 + mpf(10) ** -6)
for n in (4, 7):
    show(f"(sin r - r) / r^3 of r^2, {n}", lambda z: (sin(sqrt(z)) - sqrt(z)) / sqrt(z) ** 3, mpf(10) ** -12, QUARTER, n)
    show(f"(cos r - 1 + r^2 / 2) / r^4 of r^2, {n}", lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, mpf(10) ** -12, QUARTER, n)


def tail(a):
    """(y + a) e^(y^2/2) P(X > y) of t = (y - a) / (y + a)."""

    def of(t):
        if t > 1 - mpf(10) ** -25:
            return 1 / sqrt(2 * pi)
        y = a * (1 + t) / (1 - t)
        if y > 60:
            z = 1 / y**2
            series = sum((-1) ** k * mp.fac2(2 * k - 1) * z**k for k in range(1, 15)) + 1
            return (y + a) / y * series / sqrt(2 * pi)
        return (y + a) * exp(y * y / 2) * erfc(y / sqrt(2)) / 2

    return of


for middle, n, most in (("3.5", 12, 15), ("4.5", 24, None)):
    a = mpf(middle)
    high = mpf(1) if most is None else (most - a) / (most + a)
    show(f"tail, middle {middle}, {n}", tail(a), -1, high, n)
for n in (7, 12):
    show(f"erf x / x of x^2, {n}", lambda z: mp.erf(sqrt(z)) / sqrt(z), mpf(10) ** -12, mpf("0.5625"), n)

print("pi / 2 in parts, the first two of 27 bits:")
rest, parts = pi / 2, []
for bits in (27, 27, 53):
    scale = mpf(2) ** (bits - 1 - floor(log(rest, 2)))
    part = floor(rest * scale) / scale
    parts.append(float(part))
    rest -= part
print("   ", parts)
mp.prec = 400
digits = int(floor(2 / pi * mpf(2) ** 256))
print("2 / pi, 256 bits:", [hex(digits >> s & (2**64 - 1)) for s in (192, 128, 64, 0)])
