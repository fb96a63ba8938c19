"""Compares keras.md, the map from Keras's names to Taper's, with the Keras that is installed and with Taper's sources.

    python docs/keras.py            fails, naming what is missing on either side, unknown or counted wrongly
    python docs/keras.py --write    refreshes the counts at the head of the page, then does the same

It needs Keras 3 (`pip install keras tensorflow`) and builds nothing of Taper.
"""

import inspect
import os
import pathlib
import re
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

PAGE = pathlib.Path(__file__).resolve().with_suffix(".md")
# In this folder `keras` would be this very file.
sys.path = [place for place in sys.path if pathlib.Path(place).resolve() != PAGE.parent]
import keras  # noqa: E402

CRATES = PAGE.parent.parent / "crates"

# Keras's modules in the order of the page, and the folders of Taper's tables that answer to them.
TABLES = {
    "nn/src/layers": "keras.layers",
    "nn/src/junctions": "keras.layers",
    "nn/src/losses": "keras.losses",
    "train/src/metrics": "keras.metrics",
    "optim/src/optimizers": "keras.optimizers",
    "optim/src/schedules": "keras.optimizers.schedules",
    "train/src/callbacks": "keras.callbacks",
    "nn/src/initializers": "keras.initializers",
    "nn/src/constraints": "keras.constraints",
    "nn/src/regularizers": "keras.regularizers",
    "nn/src/activations": "keras.activations",
}
MODULES = list(dict.fromkeys(TABLES.values()))

# Not of the map: they read and write descriptions, as each of Taper's `from_config` does.
HELPERS = {"serialize", "deserialize", "get"}


class Row:
    """A line of a table: Keras's name and its aliases, Taper's names, and what there is to say."""

    def __init__(self, line):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        assert len(cells) == 3, f"not three cells: {line}"
        self.keras, self.taper, self.remark = (codes(cells[0]), codes(cells[1]), cells[2])
        assert self.keras and (self.taper or cells[1] == "—"), f"neither a name nor —: {line}"

    def kind(self):
        """0: has Keras's name, 1: is there in another form, 2: is absent."""
        if not self.taper:
            return 2
        return int(plain(last(self.taper[0])) not in map(plain, self.keras))


def codes(text):
    return re.findall(r"`([^`]+)`", text)


def last(path):
    return path.split("::")[-1]


def plain(name):
    return name.replace("_", "").lower()


def tables(text):
    """The rows of each module's section."""
    found = {}
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        head, _, body = section.partition("\n")
        if head.strip() in MODULES:
            lines = [line for line in body.splitlines() if line.startswith("| `")]
            found[head.strip()] = [Row(line) for line in lines]
    return found


def public(module):
    """The sets of names that Keras has for one and the same class (or activation function)."""
    holder = keras
    for part in module.split(".")[1:]:
        holder = getattr(holder, part)
    wanted = inspect.isfunction if module == "keras.activations" else inspect.isclass
    names = {}
    for name, member in inspect.getmembers(holder, wanted):
        # Of classes the spellings in small letters are left out: they are what strings may say.
        if not name.startswith("_") and name not in HELPERS and not (wanted is inspect.isclass and name.islower()):
            names.setdefault(id(member), set()).add(name)
    return list(names.values())


def compare_with_keras(found):
    for module in MODULES:
        rows = found.get(module, [])
        wanted, told = public(module), [set(row.keras) for row in rows]
        for names in wanted:
            if names not in told:
                yield f"{module}: no row for {' = '.join(sorted(names))}"
        for names in told:
            if names not in wanted:
                yield f"{module}: Keras has no {' = '.join(sorted(names))}"
            if told.count(names) > 1:
                yield f"{module}: {' = '.join(sorted(names))} has several rows"
        for row in rows:
            if not row.taper and not row.remark:
                yield f"{module}: {row.keras[0]} is absent without a reason"


def sources(crate, *modules):
    """The text of a crate's sources, or of one of its modules."""
    place = CRATES / crate / "src" / pathlib.Path(*modules)
    files = [*place.rglob("*.rs"), *place.parent.glob(f"{place.name}.rs")]
    return "\n".join(file.read_text() for file in files)


def is_in_the_sources(path):
    """Whether the modules of `taper_nn::layers::Dense::units` exist, and declare its other words."""
    crate, *words = path.split("::")
    modules = []
    while len(words) > 1 and words[0].islower():
        modules.append(words.pop(0))
    text = sources(crate.removeprefix("taper_"), *modules)
    declared = r"\b(?:struct|enum|trait|type|fn|as) {0}\b|\buse [\w:]+::{0};|^\s*(?:pub )?{0}(?:: | = |,| \{{|\()"
    return all(re.search(declared.format(re.escape(word)), text, re.M) for word in words)


def compare_with_sources(text, found):
    told = [code for code in codes(text) if code.startswith("taper_")]
    for path in dict.fromkeys(told):
        if not is_in_the_sources(path):
            yield f"the sources have no {path}"
    names = set(map(last, told))
    for folder, module in TABLES.items():
        absent = {plain(name) for row in found.get(module, []) if not row.taper for name in row.keras}
        for name in rows_of(folder):
            if name not in names:
                yield f"{folder}: {name} is not on the page"
            if plain(name) in absent:
                yield f"{folder}: {name} is there, and the page says that it is absent"


def rows_of(folder):
    """The types that a table's mod.rs hands out of the folder's files, and the rows that stand in it itself."""
    folder = CRATES / folder
    text = (folder / "mod.rs").read_text()
    handed_out = re.findall(r"^ *pub use (?:super::)?(\w+)::(?:(\w+)|\{([^}]*)\});", text, re.M)
    types = " ".join(f"{one} {several}" for file, one, several in handed_out if (folder / f"{file}.rs").exists())
    variants = re.findall(r"^    (\w+) = \w+,$", text, re.M)
    return [*re.findall(r"\w+", types), *variants, *re.findall(r'^ *(?:row\(|class_name: )"(\w+)"', text, re.M)]


def counts(found):
    lines = ["| | with Keras's name | in another form | absent | together |", "| --- | --: | --: | --: | --: |"]
    for module, rows in found.items():
        kinds = [row.kind() for row in rows]
        cells = [*(str(kinds.count(kind)) for kind in range(3)), str(len(rows))]
        lines.append(f"| `{module}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    text = PAGE.read_text()
    found = tables(text)
    table = re.compile(r"^\| \| with Keras's name.*?\n(?=\n)", re.M | re.S)
    fresh = table.sub(lambda _: counts(found) + "\n", text, count=1)
    if "--write" in sys.argv[1:]:
        PAGE.write_text(fresh)
        text = fresh
    faults = [*compare_with_keras(found), *compare_with_sources(text, found)]
    if fresh != text:
        faults.append("the counts are not those of the tables: run docs/keras.py --write")
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(f"keras.md: {len(faults)} faults")
    print(counts(found))


main()
