//! The table that `Model::summary` returns, as Keras prints it on a terminal.

use crate::Model;
use taper_tensor::Element;

const HEADERS: [&str; 3] = ["Layer (type)", "Output Shape", "Param #"];
/// Keras's columns on a terminal of usual width; longer texts widen theirs.
const WIDTHS: [usize; 3] = [36, 27, 15];

/// The whole text, without a line end behind it.
pub(crate) fn table<E: Element>(model: &Model<E>) -> String {
    let rows: Vec<[String; 3]> = (0..model.layers().len())
        .map(|index| row(model, index))
        .collect();
    let widths = std::array::from_fn(|column| {
        let texts = rows.iter().map(|row| row[column].chars().count());
        texts.chain([WIDTHS[column]]).max().unwrap_or_default()
    });
    let separator = format!("{}\n", rule(widths, ['├', '─', '┼', '┤']));
    let body: Vec<String> = rows
        .iter()
        .map(|row| format!("{}\n", line(widths, row, '│')))
        .collect();
    let mut text = String::from("Model: \"sequential\"\n");
    text += &format!("{}\n", rule(widths, ['┏', '━', '┳', '┓']));
    text += &format!("{}\n", line(widths, &HEADERS.map(String::from), '┃'));
    text += &format!("{}\n", rule(widths, ['┡', '━', '╇', '┩']));
    text += &body.join(&separator);
    text += &format!("{}\n", rule(widths, ['└', '─', '┴', '┘']));
    text + &totals(model)
}

fn row<E: Element>(model: &Model<E>, index: usize) -> [String; 3] {
    let layer = format!(
        "{} ({})",
        model.layer_names()[index],
        model.layers()[index].class_name()
    );
    let shape: Vec<String> = model.layer_output_shapes()[index]
        .iter()
        .map(|n| format!(", {n}"))
        .collect();
    let shape = if shape.is_empty() {
        "(None,)".into()
    } else {
        format!("(None{})", shape.concat())
    };
    let count: usize = model
        .layer_parameters(index)
        .iter()
        .map(|parameter| parameter.value.len())
        .sum();
    [layer, shape, thousands(count)]
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
fn rule(widths: [usize; 3], [left, dash, cross, right]: [char; 4]) -> String {
    let dashes = widths.map(|width| String::from(dash).repeat(width + 2));
    format!("{left}{}{right}", dashes.join(&cross.to_string()))
}

fn line(widths: [usize; 3], [layer, shape, count]: &[String; 3], bar: char) -> String {
    let [a, b, c] = widths;
    format!("{bar} {layer:<a$} {bar} {shape:<b$} {bar} {count:>c$} {bar}")
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
