"""Makes Parquet files as Python writes them: wines with missing values and columns that no model reads.

    python make_parquet.py    # Python 3.11, pandas 2.3.3, pyarrow 21.0.0

`pandas.parquet` is what `DataFrame.to_parquet` writes, `pages_v2.parquet` has gzip, data pages of version 2 and row groups of
two rows, `zstd.parquet` is compressed with zstd.
"""

from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
wines = pd.DataFrame(
    {
        "name": ["Rabelo", "Galo", None],
        "region": pd.Categorical(["Douro", 'Vinho "Verde", Minho', None]),
        "alcohol": [9.4, 10.0, float("nan")],
        "bottled": pd.to_datetime(["2019-05-01", None, "2021-06-01"]),
        "is_red": pd.array([1, 0, None], dtype="Int8"),
        "grapes": [["Touriga", "Tinta"], [], None],
    }
)
wines.to_parquet(HERE / "pandas.parquet")
wines.to_parquet(HERE / "pages_v2.parquet", compression="gzip", data_page_version="2.0", version="1.0", row_group_size=2)
wines.to_parquet(HERE / "zstd.parquet", compression="zstd")
