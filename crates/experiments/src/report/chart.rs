//! Line charts as SVG that follows the page's colours.
//!
//! plotters writes colours as numbers. Each role (text, grid, a series) gets a number of its own, and the finished
//! text is searched for these and given `var(--…)` instead, so that one drawing serves light and dark pages.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;

use crate::figures::{short, signed};
use crate::{Error, Result};

/// Native size: about what a phone shows, so that letters stay readable there.
const SIZE: (u32, u32) = (460, 290);

/// What a colour stands for; the page says how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Text,
    Grid,
    Zero,
    /// Training figures.
    Train,
    /// Training figures with dropout off: the same colour, dashed.
    Clean,
    /// Validation figures.
    Validation,
    /// The penalty's part of a loss: dotted.
    Penalty,
    /// A variant by its position in the study.
    Variant(u8),
}

/// How values are spread over the height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Shares, shown as per cent.
    Percent,
    /// Percentage points.
    Points,
    /// Logarithmic: equal steps are equal ratios.
    Log,
}

/// One line: (epoch, value), and the range over seeds if there are several.
pub(super) struct Line {
    pub(super) ink: Ink,
    pub(super) points: Vec<(f64, f64)>,
    /// Half the height of a band around each point; empty for none.
    pub(super) spread: Vec<f64>,
}

/// A chart over epochs.
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    pub(super) description: &'a str,
    pub(super) scale: Scale,
    /// Lowest and highest value shown, so that charts can share them.
    pub(super) range: Range<f64>,
    pub(super) epochs: u64,
    pub(super) lines: Vec<Line>,
}

impl Ink {
    /// The number that stands for this role until the text is finished.
    fn color(self) -> RGBColor {
        match self {
            Ink::Text => RGBColor(1, 2, 1),
            Ink::Grid => RGBColor(1, 2, 2),
            Ink::Zero => RGBColor(1, 2, 3),
            Ink::Train => RGBColor(1, 2, 4),
            Ink::Clean => RGBColor(1, 2, 5),
            Ink::Validation => RGBColor(1, 2, 6),
            Ink::Penalty => RGBColor(1, 2, 7),
            Ink::Variant(number) => RGBColor(1, 3, number % 8),
        }
    }

    /// The page's variable.
    pub(super) fn variable(self) -> String {
        match self {
            Ink::Text => "var(--muted)".into(),
            Ink::Grid => "var(--grid)".into(),
            Ink::Zero => "var(--axis)".into(),
            Ink::Train | Ink::Clean => "var(--train)".into(),
            Ink::Validation => "var(--validation)".into(),
            Ink::Penalty => "var(--muted)".into(),
            Ink::Variant(number) => format!("var(--variant-{})", number % 8),
        }
    }

    /// Pattern of its line, so that colour is never the only difference.
    pub(super) fn dashes(self) -> &'static str {
        match self {
            Ink::Clean => "6 4",
            Ink::Penalty => "1.5 3.5",
            Ink::Variant(number) => ["", "8 3", "2 3", "9 3 2 3", "4 2", "1 2", "12 4", "6 2 1 2"]
                [usize::from(number % 8)],
            _ => "",
        }
    }

    fn all() -> impl Iterator<Item = Ink> {
        let fixed = [
            Ink::Text,
            Ink::Grid,
            Ink::Zero,
            Ink::Train,
            Ink::Clean,
            Ink::Validation,
            Ink::Penalty,
        ];
        fixed.into_iter().chain((0..8).map(Ink::Variant))
    }
}

impl Chart<'_> {
    /// Draws the chart.
    ///
    /// # Errors
    /// What plotters reports; a finished chart otherwise.
    pub(super) fn svg(&self) -> Result<String> {
        let mut text = String::new();
        let drawn = self
            .draw(&mut text)
            .map_err(|error| Error::Report(format!("chart `{}`: {error}", self.title)));
        drawn?;
        Ok(self.finish(&text))
    }

    fn draw<'a>(&self, text: &'a mut String) -> Result<(), Box<dyn std::error::Error + 'a>> {
        let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
        let y = Axis::values(self.scale, &self.range);
        let font = ("sans-serif", 13).into_font().color(&Ink::Text.color());
        let mut chart = ChartBuilder::on(&root)
            .margin_top(10)
            .margin_right(14)
            .margin_left(2)
            .x_label_area_size(38)
            .y_label_area_size(54)
            .build_cartesian_2d(Axis::epochs(self.epochs), y)?;
        let format = |value: &f64| self.scale.label(*value);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(Ink::Grid.color())
            .light_line_style(TRANSPARENT)
            .axis_style(Ink::Grid.color())
            .x_desc("epoch")
            .axis_desc_style(font.clone())
            .label_style(font)
            .x_label_formatter(&|epoch| format!("{epoch}"))
            .y_label_formatter(&format)
            .draw()?;
        if self.scale == Scale::Points {
            let ends = Axis::epochs(self.epochs).range;
            chart.draw_series(LineSeries::new(
                [(ends.start, 0.0), (ends.end, 0.0)],
                Ink::Zero.color().stroke_width(1),
            ))?;
        }
        for line in &self.lines {
            self.draw_line(&mut chart, line)?;
        }
        root.present()?;
        Ok(())
    }

    fn draw_line<'a>(
        &self,
        chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, Axis>>,
        line: &Line,
    ) -> Result<(), Box<dyn std::error::Error + 'a>> {
        let color = line.ink.color();
        let place = |value: f64| self.scale.place(value);
        if line.spread.iter().any(|&spread| spread > 0.0) && line.points.len() > 1 {
            let with = line.points.iter().zip(&line.spread);
            let upper = with.clone().map(|(&(x, y), s)| (x, place(y + s)));
            let lower = with
                .rev()
                .map(|(&(x, y), s)| (x, place((y - s).max(self.range.start))));
            chart.draw_series([Polygon::new(
                upper.chain(lower).collect::<Vec<_>>(),
                color.mix(0.16),
            )])?;
        }
        let points = || line.points.iter().map(|&(x, y)| (x, place(y)));
        chart.draw_series(LineSeries::new(points(), color.stroke_width(2)))?;
        chart.draw_series(points().map(|point| Circle::new(point, 3, color.filled())))?;
        Ok(())
    }

    /// Numbers become the page's colours, the fixed size gives way, and the drawing gets a name for those who hear it.
    fn finish(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for ink in Ink::all() {
            let RGBColor(r, g, b) = ink.color();
            let number = format!("#{r:02X}{g:02X}{b:02X}");
            if !ink.dashes().is_empty() {
                // Only lines are dashed; markers have the same colour as `fill`.
                let stroke = format!("stroke=\"{number}\" stroke-width=\"2\"");
                let dashed = format!("{stroke} stroke-dasharray=\"{}\"", ink.dashes());
                text = text.replace(&stroke, &dashed);
            }
            text = text.replace(&number, &ink.variable());
        }
        let label = super::escape(&format!("{}. {}", self.title, self.description));
        let start = text
            .find("<svg")
            .and_then(|at| text[at..].find('>').map(|end| at + end + 1))
            .unwrap_or(0);
        let body = text[start..].trim_start();
        format!(
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{label}\">{body}",
            SIZE.0, SIZE.1
        )
    }
}

impl Scale {
    fn place(self, value: f64) -> f64 {
        if self == Scale::Log {
            value.max(f64::MIN_POSITIVE).log10()
        } else {
            value
        }
    }

    fn label(self, place: f64) -> String {
        match self {
            Scale::Percent => format!("{} %", short(place * 100.0)),
            Scale::Points => signed(place * 100.0, &short((place * 100.0).abs())),
            Scale::Log => short(10f64.powf(place)),
        }
    }
}

/// An axis with its marks chosen by us.
struct Axis {
    range: Range<f64>,
    marks: Vec<f64>,
}

impl Axis {
    fn epochs(epochs: u64) -> Axis {
        let last = epochs.max(1) as f64;
        // Marks are counted, not searched for: epochs may be planned by the billion.
        let steps = (0..19).flat_map(|zeros| [1, 2, 5].map(|digit| digit * 10u64.pow(zeros)));
        let step = steps
            .into_iter()
            .find(|step| epochs / step <= 10)
            .unwrap_or(u64::MAX);
        let marks = (1..=epochs.max(1) / step).map(|mark| (mark * step) as f64);
        Axis {
            range: if epochs <= 1 { 0.5..1.5 } else { 1.0..last },
            marks: marks.collect(),
        }
    }

    fn values(scale: Scale, range: &Range<f64>) -> Axis {
        let range = scale.place(range.start)..scale.place(range.end);
        let marks = if scale == Scale::Log {
            log_marks(&range)
        } else {
            even_marks(&range)
        };
        Axis { range, marks }
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.marks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// Multiples of 1, 2 or 5 · 10ᵏ, about five of them.
fn even_marks(range: &Range<f64>) -> Vec<f64> {
    let step = nice_step(range.end - range.start);
    let (first, last) = (
        (range.start / step - 1e-9).ceil() as i64,
        (range.end / step + 1e-9).floor() as i64,
    );
    (first..=last).map(|i| i as f64 * step).collect()
}

/// The step that cuts `span` into four to eight.
pub(super) fn nice_step(span: f64) -> f64 {
    let unit = 10f64.powf((span / 8.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * unit)
        .find(|step| span / step <= 8.0)
        .unwrap_or(unit * 10.0)
}

/// 1, 2, 5 per decade where there is room, 1 and 3 where there is less.
fn log_marks(range: &Range<f64>) -> Vec<f64> {
    let factors: &[f64] = if range.end - range.start <= 1.6 {
        &[1.0, 2.0, 5.0]
    } else {
        &[1.0, 3.0]
    };
    let decades = range.start.floor() as i32..=range.end.ceil() as i32;
    let marks = decades.flat_map(|decade| {
        factors
            .iter()
            .map(move |factor| f64::from(decade) + factor.log10())
    });
    marks
        .filter(|mark| *mark >= range.start - 1e-9 && *mark <= range.end + 1e-9)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(scale: Scale, range: Range<f64>, ink: Ink) -> String {
        let points = vec![(1.0, range.start), (2.0, range.end)];
        let lines = vec![Line {
            ink,
            points,
            spread: vec![0.0, (range.end - range.start) / 10.0],
        }];
        let chart = Chart {
            title: "A < B",
            description: "two epochs",
            scale,
            range,
            epochs: 2,
            lines,
        };
        chart.svg().expect("a chart")
    }

    #[test]
    fn no_number_is_left_as_a_colour() {
        for ink in Ink::all() {
            let svg = chart(Scale::Percent, 0.8..1.0, ink);
            assert!(!svg.contains("#010"), "{ink:?}: {svg}");
            assert!(svg.contains(&ink.variable()), "{ink:?}: {svg}");
            assert_eq!(
                svg.contains("stroke-dasharray"),
                !ink.dashes().is_empty(),
                "{ink:?}: {svg}"
            );
        }
        assert!(
            chart(Scale::Log, 0.01..1.0, Ink::Train)
                .contains("aria-label=\"A &lt; B. two epochs\"")
        );
    }

    #[test]
    fn marks_are_round_and_inside() {
        let axis = Axis::values(Scale::Log, &(0.0078..1.3));
        let labels: Vec<String> = axis
            .marks
            .iter()
            .map(|mark| Scale::Log.label(*mark))
            .collect();
        assert_eq!(labels, ["0.01", "0.03", "0.1", "0.3", "1"]);
        let axis = Axis::values(Scale::Percent, &(0.82..1.0));
        let labels: Vec<String> = axis
            .marks
            .iter()
            .map(|mark| Scale::Percent.label(*mark))
            .collect();
        assert_eq!(labels, ["85 %", "90 %", "95 %", "100 %"]);
        let axis = Axis::values(Scale::Points, &(-0.05..0.012));
        assert!(
            axis.marks
                .iter()
                .all(|mark| (-0.05001..=0.01201).contains(mark)),
            "{:?}",
            axis.marks
        );
        assert_eq!(Axis::epochs(8).marks.len(), 8);
        assert_eq!(
            Axis::epochs(50).marks,
            [5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0]
        );
        assert_eq!(Axis::epochs(1).marks, [1.0]);
        for epochs in [5_001, 1_000_000_000_000, u64::MAX] {
            let marks = Axis::epochs(epochs).marks;
            assert!((5..=10).contains(&marks.len()), "{epochs}: {marks:?}");
        }
    }
}
