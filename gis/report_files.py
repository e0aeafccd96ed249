"""Files of problem reports, read in chunks of bounded size with every row numbered."""

from __future__ import annotations

import codecs
import csv
import io
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import pyogrio
import shapely
from numpy.typing import NDArray

from gis.errors import FileError, ParameterError

# Arrow reads 32 blocks ahead, whatever it is asked: 4 MiB keep that at 128 MiB.
CSV_BLOCK = 4 << 20
END_BYTES = 1 << 16
ROWS_PER_CHUNK = 1 << 18

# Field -> column names taken for it where --map names none; compared without case.
ALIASES = {
    "source_ref": ("source_ref", "ref", "id", "case_id", "report_id", "编号", "案件编号"),
    "lon": ("lon", "lng", "longitude", "x", "经度"),
    "lat": ("lat", "latitude", "y", "纬度"),
    "reported_at": ("reported_at", "time", "datetime", "created_at", "上报时间"),
    "category": ("category", "category_code", "类别", "小类"),
    "category_kind": ("category_kind",),
    "source": ("source", "来源"),
    "description": ("description", "描述", "问题描述"),
}
REQUIRED = ("source_ref", "reported_at", "category")
TEXT_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".txt")
GEOMETRY = "geometry"
GDAL_ERRORS = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError)


@dataclass(frozen=True)
class Reject:
    """A row that does not go in, with its original text."""

    row: int
    reason: str
    original: str


@dataclass
class Chunk:
    """Rows of a file, as they are.

    Parameters
    ----------
    batch
        All columns of the file.
    rows
        int64 of shape (n,): row numbers, the first record after the header is 1.
    fields
        Field -> column of `batch`, for the fields the file has.
    malformed
        Rows met on the way that have another number of fields than the header.
    """

    batch: pa.RecordBatch
    rows: NDArray[np.int64]
    fields: dict[str, str]
    malformed: list[Reject] = field(default_factory=list)

    def __len__(self) -> int:
        """Rows in the chunk."""
        return self.batch.num_rows

    def column(self, name: str) -> pa.Array | None:
        """Values of a field, or None where the file has no such field."""
        return self.batch.column(self.fields[name]) if name in self.fields else None

    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates of a geometry column, nan where it is null, empty or no point."""
        shapes = shapely.from_wkb(
            self.batch.column(self.fields[GEOMETRY]).to_numpy(zero_copy_only=False), on_invalid="ignore"
        )
        # get_x answers nan for whatever is no point.
        return shapely.get_x(shapes), shapely.get_y(shapes)

    def original(self, at: int) -> str:
        """The record at a position of the chunk, written as one CSV line."""
        line = io.StringIO()
        values = (column[at].as_py() for column in self.batch.columns)
        # Only what stands in its line terminator makes the writer quote a line break.
        csv.writer(line, lineterminator="\r\n").writerow("" if value is None else _as_text(value) for value in values)
        return line.getvalue().removesuffix("\r\n")


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return shapely.to_wkt(shapely.from_wkb(value, on_invalid="ignore"), rounding_precision=-1) or ""
    return str(value)


@dataclass(frozen=True)
class ReportFile:
    """A file and how it is to be read.

    Parameters
    ----------
    path
        .csv, .csv.gz, .tsv (header line first), .parquet, .geojson, .gpkg or what else GDAL reads.
    mapping
        Field -> column, where the names differ from ALIASES.
    encoding
        Of text files: utf-8 (with or without byte order mark), gb18030, ...
    delimiter
        Of text files.
    """

    path: Path
    mapping: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    delimiter: str | None = None

    what: ClassVar[str] = "reports"
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = ALIASES

    @property
    def is_text(self) -> bool:
        """Whether this is a text table and not a vector or Parquet file."""
        return self.path.name.lower().endswith(TEXT_SUFFIXES)

    @property
    def _suffix(self) -> str:
        return self.path.suffix.lower()

    @property
    def _is_parquet(self) -> bool:
        return self._suffix in (".parquet", ".geoparquet")

    def total_bytes(self) -> int:
        """Size of the file on disk, for the progress bar."""
        return self.path.stat().st_size

    def declared_crs(self) -> str | None:
        """The CRS that the file itself declares; text and plain Parquet declare none.

        A GeoJSON file declares one only by its `crs` member: Chinese files without it are as often GCJ-02 as not.
        """
        if self.is_text:
            return None
        self._check()
        if self._is_parquet:
            return self._parquet_crs()
        if self._suffix in (".geojsonl", ".geojsons") or (
            self._suffix in (".geojson", ".json") and not _has_crs_member(self.path)
        ):
            return None
        try:
            crs: str | None = pyogrio.read_info(self.path)["crs"]
        except pyogrio.errors.DataSourceError as problem:
            msg = f"{self.path}: cannot be read as a vector file: {problem}"
            raise FileError(msg) from problem
        return crs

    def chunks(self) -> Iterator[Chunk]:
        """The file's rows in order.

        Raises
        ------
        FileError
            Not there, empty, in another encoding, without a needed column, or damaged on the way.
        """
        self._check()
        try:
            if self.is_text:
                yield from self._text_chunks()
            elif self._is_parquet:
                yield from self._parquet_chunks()
            else:
                yield from self._vector_chunks()
        except (pa.ArrowInvalid, UnicodeError, EOFError, OSError, *GDAL_ERRORS) as problem:
            msg = f"{self.path}: cannot be read to its end ({problem}); encoding tried: {self.encoding}; try gb18030?"
            raise FileError(msg) from problem

    def _check(self) -> None:
        if not self.path.is_file():
            msg = f"{self.path}: there is no such file"
            raise FileError(msg)
        if self.path.stat().st_size == 0:
            msg = f"{self.path}: the file is empty"
            raise FileError(msg)

    def _text_chunks(self) -> Iterator[Chunk]:
        malformed: list[Reject] = []

        def keep_malformed(row: Any) -> str:
            reason = f"{row.actual_columns} fields where the header has {row.expected_columns}"
            malformed.append(Reject(int(row.number) - 1, reason, row.text))
            return "skip"

        delimiter = self._delimiter()
        names = self._header(delimiter)
        with self._open_text() as stream:
            reader = pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(block_size=CSV_BLOCK, encoding=self.encoding, use_threads=False),
                parse_options=pa_csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=keep_malformed
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=True
                ),
            )
            fields = self._fields(reader.schema.names)
            position = 1
            # Arrow reads ahead: a malformed row may come to light before the rows in front of it are delivered.
            skipped: list[int] = []
            for batch in reader:
                skipped += [reject.row for reject in malformed]
                rows = _row_numbers(position, batch.num_rows, skipped)
                position = int(rows[-1]) + 1 if len(rows) else position
                skipped = [number for number in skipped if number >= position]
                found, malformed[:] = list(malformed), []
                yield Chunk(batch, rows, fields, found)
            if malformed:
                yield Chunk(pa.RecordBatch.from_pylist([], reader.schema), np.empty(0, np.int64), fields, malformed)

    def _open_text(self) -> pa.NativeFile:
        return pa.input_stream(str(self.path), compression="gzip" if self._suffix == ".gz" else None)

    def _delimiter(self) -> str:
        """Check what was said about the text.

        Raises
        ------
        ParameterError
            There is no such encoding, or the delimiter is not one character.
        """
        try:
            codecs.lookup(self.encoding)
        except LookupError as problem:
            msg = f"there is no {self.encoding!r}; utf-8, gb18030 or big5, for example"
            raise ParameterError("encoding", msg) from problem
        delimiter = self.delimiter or ("\t" if ".tsv" in self.path.name.lower() else ",")
        if len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii():
            msg = f"one character such as ; or |, not {self.delimiter!r}"
            raise ParameterError("delimiter", msg)
        return delimiter

    def _header(self, delimiter: str) -> list[str]:
        with self._open_text() as stream:
            first = stream.read(1 << 16).decode(self.encoding, errors="ignore").removeprefix("\ufeff")
        return next(csv.reader(io.StringIO(first), delimiter=delimiter), [])

    def _parquet_chunks(self) -> Iterator[Chunk]:
        source = pa_parquet.ParquetFile(self.path)
        position = 1
        geometry = _geo_metadata(source.schema_arrow).get("primary_column")
        for batch in source.iter_batches(batch_size=ROWS_PER_CHUNK):
            rows = np.arange(position, position + batch.num_rows, dtype=np.int64)
            position += batch.num_rows
            yield Chunk(batch, rows, self._fields(batch.schema.names, geometry))

    def _parquet_crs(self) -> str | None:
        try:
            geo = _geo_metadata(pa_parquet.read_schema(self.path))
        except (pa.ArrowInvalid, OSError) as problem:
            msg = f"{self.path}: cannot be read as a Parquet file: {problem}"
            raise FileError(msg) from problem
        # The GeoParquet specification: no member `crs` means longitude and latitude in WGS 84; null means unknown.
        crs = geo["columns"][geo["primary_column"]].get("crs", "OGC:CRS84") if geo else None
        return json.dumps(crs) if isinstance(crs, dict) else crs

    def _vector_chunks(self) -> Iterator[Chunk]:
        layers = [str(name) for name, kind in pyogrio.list_layers(self.path) if kind is not None]
        if len(layers) > 1:
            msg = f"{self.path.name} has several layers, {', '.join(layers)}: a file of {self.what} has one"
            raise FileError(msg)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # As text, because GDAL's typed times of a GeoPackage say UTC even where the file names no zone.
            with pyogrio.open_arrow(self.path, use_pyarrow=True, batch_size=1 << 16, datetime_as_string=True) as (
                meta,
                reader,
            ):
                geometry = meta["geometry_name"] or "wkb_geometry"
                position = 1
                for batch in reader:
                    rows = np.arange(position, position + batch.num_rows, dtype=np.int64)
                    position += batch.num_rows
                    yield Chunk(batch, rows, self._fields(batch.schema.names, geometry))

    def _fields(self, names: list[str], geometry: str | None = None) -> dict[str, str]:
        """Match fields to columns: as mapped, else by alias."""
        unknown = sorted(set(self.mapping) - set(self.aliases))
        if unknown:
            msg = f"--map: there is no field {', '.join(unknown)}; fields are {', '.join(self.aliases)}"
            raise FileError(msg)
        missing = {name: column for name, column in self.mapping.items() if column not in names}
        if missing:
            columns = ", ".join(f"{column} (for {name})" for name, column in missing.items())
            msg = f"{self.path}: no column {columns}; the file has {', '.join(names)}"
            raise FileError(msg)
        twice = sorted(
            {name for name in names if names.count(name) > 1} & {*self.mapping.values(), *self._taken(names)}
        )
        if twice:
            msg = f"{self.path}: more than one column is called {', '.join(twice)}; rename all but one"
            raise FileError(msg)
        by_name = {name.strip().lower(): name for name in reversed(names)}
        fields = dict(self.mapping)
        for name, aliases in self.aliases.items():
            if name not in fields:
                column = next((by_name[alias] for alias in aliases if alias in by_name), None)
                if column is not None:
                    fields[name] = column
        if geometry and geometry in names and "lon" not in self.mapping:
            fields[GEOMETRY] = geometry
        lacking = [name for name in self._needed(fields) if name not in fields]
        if lacking:
            example = " ".join(f"--map {name}=COLUMN" for name in lacking)
            msg = f"{self.path}: which column is {', '.join(lacking)}? The file has {', '.join(names)}; say {example}"
            raise FileError(msg)
        return fields

    def _needed(self, fields: Mapping[str, str]) -> tuple[str, ...]:
        """Fields that a file with these fields must have."""
        return REQUIRED if GEOMETRY in fields else (*REQUIRED, "lon", "lat")

    def _taken(self, names: list[str]) -> list[str]:
        """Columns that some alias names."""
        aliases = {alias for known in self.aliases.values() for alias in known}
        return [name for name in names if name.strip().lower() in aliases]


def _geo_metadata(schema: pa.Schema) -> dict[str, Any]:
    """What GeoParquet says about its geometry; empty for plain Parquet."""
    answer: dict[str, Any] = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
    return answer


def _has_crs_member(path: Path) -> bool:
    """Whether a GeoJSON file has a `crs` member, before its features or after them; a property of that name is none."""
    with path.open("rb") as stream:
        head = stream.read(END_BYTES).split(b'"features"', 1)[0]
        stream.seek(max(0, path.stat().st_size - END_BYTES))
        tail = stream.read().rsplit(b"]", 1)[-1]
    return b'"crs"' in head or b'"crs"' in tail


def _row_numbers(first: int, count: int, skipped: list[int]) -> NDArray[np.int64]:
    """Numbers of `count` rows from `first` on, passing over those that were skipped as malformed."""
    gaps = np.array(sorted(number for number in skipped if number >= first), np.int64)
    numbers = np.arange(first, first + count + len(gaps), dtype=np.int64)
    return numbers[~np.isin(numbers, gaps)][:count]
