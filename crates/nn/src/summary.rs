//! The table that `Model::summary` returns, as Keras prints it on a terminal: three columns for a chain, for any other
//! graph a fourth with what each layer is connected to.

use crate::Model;
use crate::graph::Node;
use taper_tensor::Element;

/// A column: its header and Keras's width on a terminal of usual width; longer texts widen theirs.
type Column = (&'static str, usize);

const CHAIN: [Column; 3] = [("Layer (type)", 36), ("Output Shape", 27), ("Param #", 15)];
const GRAPH: [Column; 4] = [
    ("Layer (type)", 19),
    ("Output Shape", 17),
    ("Param #", 10),
    ("Connected to", 17),
];
/// The column whose texts stand on the right.
const NUMBERS: usize = 2;

/// A row: the lines of each of its cells.
type Row = Vec<Vec<String>>;

impl<E: Element> Model<E> {
    /// A table of the layers, their output shapes and numbers of parameters, as Keras prints it; of a graph also what
    /// each layer is connected to.
    pub fn summary(&self) -> String {
        table(self)
    }
}

/// The whole text, without a line end behind it.
fn table<E: Element>(model: &Model<E>) -> String {
    let (title, columns, rows) = match model.graph.is_sequential {
        true => ("sequential", &CHAIN[..], layers(model)),
        false => ("functional", &GRAPH[..], connected(model)),
    };
    let width = |(i, (header, width)): (usize, &Column)| {
        let lines = rows.iter().flat_map(|row| &row[i]);
        let texts = lines.map(|line| line.chars().count());
        texts
            .chain([header.len(), *width])
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = columns.iter().enumerate().map(width).collect();
    let headers: Row = columns.iter().map(|(h, _)| vec![(*h).to_owned()]).collect();
    let separator = format!("{}\n", rule(&widths, ['├', '─', '┼', '┤']));
    let body: Vec<String> = rows.iter().map(|row| lines(&widths, row, '│')).collect();
    let mut text = format!("Model: \"{title}\"\n");
    text += &format!("{}\n", rule(&widths, ['┏', '━', '┳', '┓']));
    text += &lines(&widths, &headers, '┃');
    text += &format!("{}\n", rule(&widths, ['┡', '━', '╇', '┩']));
    text += &body.join(&separator);
    text += &format!("{}\n", rule(&widths, ['└', '─', '┴', '┘']));
    text + &totals(model)
}

/// A row a layer.
fn layers<E: Element>(model: &Model<E>) -> Vec<Row> {
    let graph = &*model.graph;
    let calls = graph.calls();
    let row = |(index, owner): (usize, &crate::graph::Owner<E>)| {
        // The shape behind the first call; other calls may have others.
        let first = calls[index].first();
        let values = first.map_or(0..0, |node| node.outputs.clone());
        let shapes: Vec<String> = values.map(|value| shape(&graph.shapes[value])).collect();
        let parameters = model.parameters[owner.parameters.clone()].iter();
        let count: usize = parameters.map(|parameter| parameter.value.len()).sum();
        vec![
            vec![format!("{} ({})", owner.name, owner.kind.class_name())],
            listed(&shapes),
            vec![thousands(count)],
        ]
    };
    graph.owners.iter().enumerate().map(row).collect()
}

/// A row an input, and a row a layer with what is in front of each of its calls.
fn connected<E: Element>(model: &Model<E>) -> Vec<Row> {
    let graph = &*model.graph;
    let mut names = vec![String::new(); graph.shapes.len()];
    for input in &graph.inputs {
        names[input.value] = format!("{}[0][0]", input.name);
    }
    for (node, call) in graph.nodes.iter().zip(graph.call_numbers()) {
        for (output, value) in node.outputs.clone().enumerate() {
            names[value] = format!("{}[{call}][{output}]", graph.owners[node.owner].name);
        }
    }
    let text = |text: &str| vec![text.to_owned()];
    let mut rows: Vec<Row> = model
        .inputs()
        .map(|(name, size)| {
            vec![
                vec![format!("{name} (InputLayer)")],
                vec![shape(size)],
                text("0"),
                text("-"),
            ]
        })
        .collect();
    for (mut row, calls) in layers(model).into_iter().zip(graph.calls()) {
        let inputs = calls.iter().flat_map(|node: &&Node| &node.inputs);
        let inputs: Vec<String> = inputs.map(|&value| names[value].clone()).collect();
        row.push(listed(&inputs));
        rows.push(row);
    }
    rows
}

/// One a line, with commas between.
fn listed(texts: &[String]) -> Vec<String> {
    let last = texts.len().saturating_sub(1);
    let line = |(i, text): (usize, &String)| match i == last {
        true => text.clone(),
        false => format!("{text},"),
    };
    texts.iter().enumerate().map(line).collect()
}

fn shape(sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(|n| format!(", {n}")).collect();
    if sizes.is_empty() {
        "(None,)".into()
    } else {
        format!("(None{})", sizes.concat())
    }
}

fn totals<E: Element>(model: &Model<E>) -> String {
    let count = |trainable: bool| -> usize {
        let parameters = model
            .parameters()
            .iter()
            .filter(|parameter| parameter.trainable == trainable);
        parameters.map(|parameter| parameter.value.len()).sum()
    };
    let size = |count: usize| format!("{} ({})", thousands(count), memory(count * size_of::<E>()));
    let (trainable, other) = (count(true), count(false));
    format!(
        " Total params: {}\n Trainable params: {}\n Non-trainable params: {}",
        size(trainable + other),
        size(trainable),
        size(other)
    )
}

/// A horizontal line: its left end, what it is made of, its crossings and its right end.
fn rule(widths: &[usize], [left, dash, cross, right]: [char; 4]) -> String {
    let dashes = widths
        .iter()
        .map(|width| String::from(dash).repeat(width + 2));
    let dashes: Vec<String> = dashes.collect();
    format!("{left}{}{right}", dashes.join(&cross.to_string()))
}

/// The lines of a row, each with its end.
fn lines(widths: &[usize], row: &Row, bar: char) -> String {
    let height = row.iter().map(Vec::len).max().unwrap_or_default();
    let mut text = String::new();
    for line in 0..height {
        for (column, (cell, &width)) in row.iter().zip(widths).enumerate() {
            let cell = cell.get(line).map_or("", String::as_str);
            text += &match column == NUMBERS {
                true => format!("{bar} {cell:>width$} "),
                false => format!("{bar} {cell:<width$} "),
            };
        }
        text += &format!("{bar}\n");
    }
    text
}

/// `1216394` → `1,216,394`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit that leaves a number below 1024, as Keras writes it: `4.64 MB`.
fn memory(bytes: usize) -> String {
    let mut size = bytes as f64;
    let mut unit = "B";
    for larger in ["KB", "MB", "GB", "TB", "PB"] {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    format!("{size:.2} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(
            [0, 7, 320, 18_496, 1_216_394].map(thousands),
            ["0", "7", "320", "18,496", "1,216,394"]
        );
        assert_eq!(
            [0, 1023, 1024, 4_865_576].map(memory),
            ["0.00 B", "1023.00 B", "1.00 KB", "4.64 MB"]
        );
    }
}
