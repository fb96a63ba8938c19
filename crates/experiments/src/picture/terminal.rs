//! A picture in a terminal: with colours where there are some, in letters everywhere.

use super::Prepared;

/// A picture in letters: two rows of pixels a line with half blocks, or a row a line in plain ASCII.
#[must_use]
pub fn to_terminal(picture: &Prepared, blocks: bool) -> String {
    let (&[height, width] | &[height, width, _]) = picture.shape.as_slice() else {
        return String::new();
    };
    let channels = picture.shape.get(2).copied().unwrap_or(1);
    let value = |x: usize, y: usize| -> f32 {
        let start = (y * width + x) * channels;
        let pixel = picture
            .values
            .get(start..start + channels)
            .unwrap_or_default();
        pixel.iter().sum::<f32>() / channels as f32
    };
    let mut text = String::new();
    for y in (0..height).step_by(if blocks { 2 } else { 1 }) {
        for x in 0..width {
            if blocks {
                let (upper, lower) = (
                    level(value(x, y)),
                    if y + 1 < height {
                        level(value(x, y + 1))
                    } else {
                        232
                    },
                );
                text.push_str(&format!("\x1b[38;5;{upper};48;5;{lower}m▀"));
            } else {
                let shade = b" .:-=+*#%@"[(value(x, y).clamp(0.0, 1.0) * 9.0).round() as usize];
                text.extend([char::from(shade); 2]);
            }
        }
        text.push_str(if blocks { "\x1b[0m\n" } else { "\n" });
    }
    text
}

/// The grey nearest to a value among a terminal's 256 colours.
fn level(value: f32) -> u32 {
    232 + (value.clamp(0.0, 1.0) * 23.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_pictures_have_the_right_size() {
        let picture = Prepared {
            shape: vec![3, 2, 1],
            values: vec![0.0, 1.0, 0.5, 0.5, 1.0, 0.0],
            notes: vec![],
        };
        assert_eq!(to_terminal(&picture, false), "  @@\n++++\n@@  \n");
        assert_eq!(to_terminal(&picture, true).lines().count(), 2);
    }
}
