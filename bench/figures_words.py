# SPDX-License-Identifier: Apache-2.0
"""figures_words.py - numbers and tables in words: one way for all of them."""


def table(head, rows):
    lines = ["| %s |" % " | ".join(head), "|" + "---|" * len(head)]
    return "\n".join(lines + ["| %s |" % " | ".join(row) for row in rows])


def listed(value, how):
    return "-" if value is None else how % value


def pct(value, digits=1):
    return "-" if value is None else "%.*f %%" % (digits, 100 * value)


def share(value, digits=1):
    return pct(value, digits)


def ci(interval, scale=100, digits=1):
    low, high = interval
    return "-" if low is None or high is None else "%.*f-%.*f" % (digits, scale * low, digits, scale * high)


def figure(found, key, digits=None):
    """A share with its interval; two digits below 10 %."""
    value = found[key]
    if value is None:
        return "-"
    digits = (2 if value < .1 else 1) if digits is None else digits
    return "%s (%s)" % (pct(value, digits), ci(found["ci95"][key], 100, digits))


def time_or_never(median, nine_tenths):
    return " / ".join("never" if x is None else "%.0f" % x for x in (median, nine_tenths))


def ratio(value):
    """A likelihood ratio: more digits say nothing above a hundred."""
    return "-" if value is None else "{:,.1f}".format(value) if value < 100 else "{:,.0f}".format(value)
