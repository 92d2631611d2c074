"""Boundaries of histograms: seconds unless said otherwise."""

# Factor-sqrt(2) steps hold every boundary of the GenAI conventions, and keep a true +20 % visible as +14..27 %.
L = (
    .005, .007, .01, .014, .02, .028, .04, .057, .08, .113, .16, .226, .32, .45, .64, .9, 1.28, 1.8, 2.56, 3.6, 5.12,
    7.2, 10.24, 14.5, 20.48, 29, 40.96, 58, 81.92, 116, 163.84, 232, 300, 600,
)  # fmt: skip
# Every second boundary of L, for metrics where many label sets meet: half the lines, and every boundary exact in L too.
L2 = (*L[::2], 600)
T = tuple(float(2**step) for step in range(10))
AGES = (1.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0, 86400.0)
HOLDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
COUNTS = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 50.0)
