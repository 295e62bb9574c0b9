"""What stands before the functions: routes, limits, headers and the breaker.

The gateway function and the embedded runtime's edge are made of the same parts, so both send the same answers.
"""
