"""A sample portfolio of eight invented plants, with the right numbers beside it. It imports nothing of the product.

`write_portfolio` writes what plants deliver and what people state of them; `truth` gives what has to come out.
"""

from examples.sample.truth import truth
from examples.sample.write import write_portfolio

__all__ = ["truth", "write_portfolio"]
