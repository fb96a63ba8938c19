//! Curves as SVG. Sizes stand side by side at equal distances; costs on a logarithmic axis, so that
//! equal steps are equal ratios.

use anyhow::{anyhow, bail};
use plotters::prelude::*;

use super::ticks::ticks;

const SIZE: (u32, u32) = (640, 360);
const TEXT: RGBColor = RGBColor(70, 70, 70);
const GRID: RGBColor = RGBColor(222, 222, 222);
/// Told apart by people who see no colours, and on grey paper by their brightness.
const LINES: [RGBColor; 2] = [RGBColor(0, 90, 160), RGBColor(220, 120, 0)];

/// One line: its name and a value for every size.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) values: Vec<f64>,
}

/// A chart over sizes.
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
    pub(crate) sizes: Vec<usize>,
    pub(crate) lines: Vec<Line>,
}

impl Chart<'_> {
    /// Draws it.
    ///
    /// # Errors
    /// Nothing to draw, values that are not positive, and what plotters reports.
    pub(crate) fn svg(&self) -> anyhow::Result<String> {
        let values = || {
            self.lines
                .iter()
                .flat_map(|line| line.values.iter().copied())
        };
        if values().count() == 0 || !values().all(|value| value > 0.0 && value.is_finite()) {
            bail!("chart `{}`: values must be positive numbers", self.title);
        }
        let (lowest, highest) = values().fold((f64::MAX, 0.0f64), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        let mut text = String::new();
        self.draw(&mut text, lowest / 1.5..highest * 1.5)
            .map_err(|error| anyhow!("chart `{}`: {error}", self.title))?;
        Ok(text)
    }

    fn draw<'a>(
        &self,
        text: &'a mut String,
        range: std::ops::Range<f64>,
    ) -> Result<(), Box<dyn std::error::Error + 'a>> {
        let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
        root.fill(&WHITE)?; // pages may be dark
        let font = ("sans-serif", 13).into_font().color(&TEXT);
        let marks = ticks(&range);
        let last = self.sizes.len().saturating_sub(1) as f64;
        let mut chart = ChartBuilder::on(&root)
            .margin(12)
            .caption(self.title, ("sans-serif", 16).into_font().color(&TEXT))
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d(-0.3..last + 0.3, range.log_scale().with_key_points(marks))?;
        let size = |place: &f64| {
            let whole = (place - place.round()).abs() < 1e-6 && *place > -0.5;
            let size = if whole {
                self.sizes.get(place.round() as usize)
            } else {
                None
            };
            size.map_or_else(String::new, ToString::to_string)
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(GRID)
            .x_labels(2 * self.sizes.len() + 1)
            .x_label_formatter(&size)
            .y_label_formatter(&|value| value.to_string())
            .x_desc(self.x)
            .y_desc(self.y)
            .axis_desc_style(font.clone())
            .label_style(font.clone())
            .draw()?;
        for (line, color) in self.lines.iter().zip(LINES) {
            let points = || {
                line.values
                    .iter()
                    .enumerate()
                    .map(|(place, &value)| (place as f64, value))
            };
            chart
                .draw_series(LineSeries::new(points(), color.stroke_width(2)))?
                .label(line.name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2))
                });
            chart.draw_series(points().map(|point| Circle::new(point, 3, color.filled())))?;
        }
        if self.lines.len() > 1 {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .border_style(GRID)
                .background_style(WHITE)
                .label_font(font)
                .draw()?;
        }
        root.present()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Chart, Line};

    fn chart(values: Vec<f64>) -> anyhow::Result<String> {
        let chart = Chart {
            title: "Cost",
            x: "batch",
            y: "µs",
            sizes: vec![1, 2, 4],
            lines: vec![
                Line {
                    name: "train",
                    values: values.clone(),
                },
                Line {
                    name: "infer",
                    values,
                },
            ],
        };
        chart.svg()
    }

    #[test]
    fn every_size_has_a_mark_and_every_value_a_point() {
        let svg = chart(vec![30.0, 20.0, 10.0]).expect("a chart");
        assert_eq!(svg.matches("<circle").count(), 6, "{svg}");
        for text in [
            ">\n1\n<", ">\n2\n<", ">\n4\n<", "Cost", "batch", "µs", "train", "infer",
        ] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
    }

    #[test]
    fn an_axis_of_close_values_can_be_read() {
        let svg = chart(vec![0.61, 0.64, 0.62]).expect("a chart");
        for text in [">\n0.5\n<", ">\n0.6\n<", ">\n0.7\n<", ">\n0.8\n<"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        for values in [vec![], vec![1.0, f64::NAN, 1.0], vec![0.0, 1.0, 1.0]] {
            assert!(chart(values.clone()).is_err(), "{values:?}");
        }
    }
}
