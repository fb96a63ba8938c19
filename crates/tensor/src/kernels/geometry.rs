//! The geometry of convolutions and poolings: which input touches which output, checked once so that kernels need not.
//! Kernels multiply these numbers without a second look, so none leaves here that could overflow or outgrow its image.

use crate::{Error, Result, shape};

/// Keras's `padding`: `Valid` adds nothing, `Same` adds zeros so that the output has ⌈size / stride⌉ positions
/// (an odd amount puts the extra zero after the input), and so does `Causal`, which is meant for sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Padding {
    /// Windows stay inside the input.
    #[default]
    Valid,
    /// Zeros around the input; pooling ignores them.
    Same,
    /// Zeros in front of the input only, as many as the window spans less one: an output sees nothing that comes after it.
    Causal,
}

/// Strides, padding, dilation and groups of a 2-D convolution. The default is 1×1 strides, valid, no dilation, 1 group.
///
/// ```
/// use taper_tensor::{Conv2dSpec, Padding};
/// let spec = Conv2dSpec { padding: Padding::Same, strides: [2, 2], ..Conv2dSpec::default() };
/// assert_eq!(spec.output_shape(&[8, 28, 28, 1], &[3, 3, 1, 32])?, [8, 14, 14, 32]);
/// # Ok::<(), taper_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dSpec {
    /// Steps between windows, down and across.
    pub strides: [usize; 2],
    /// Keras's `padding`.
    pub padding: Padding,
    /// Steps between the taps of the kernel (Keras's `dilation_rate`).
    pub dilation: [usize; 2],
    /// Input and output channels are cut into this many groups that do not see each other
    /// (as many as input channels: a depthwise convolution).
    pub groups: usize,
}

impl Default for Conv2dSpec {
    fn default() -> Self {
        Conv2dSpec {
            strides: [1, 1],
            padding: Padding::Valid,
            dilation: [1, 1],
            groups: 1,
        }
    }
}

impl Conv2dSpec {
    /// `[n, oh, ow, out]` for an input `[n, h, w, in]` and a kernel `[kh, kw, in / groups, out]`.
    ///
    /// # Errors
    /// When the ranks, channels or groups do not fit, or the kernel is larger than a valid-padded input.
    pub fn output_shape(&self, input: &[usize], kernel: &[usize]) -> Result<Vec<usize>> {
        Ok(ConvGeometry::new("conv2d", self, input, kernel)?
            .output_shape()
            .to_vec())
    }
}

/// Window, strides and padding of a 2-D pooling.
///
/// ```
/// use taper_tensor::{Padding, Pool2dSpec};
/// let spec = Pool2dSpec { size: [2, 2], strides: [2, 2], padding: Padding::Valid };
/// assert_eq!(spec.output_shape(&[8, 25, 24, 3])?, [8, 12, 12, 3]);
/// # Ok::<(), taper_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool2dSpec {
    /// Height and width of the window.
    pub size: [usize; 2],
    /// Steps between windows, down and across.
    pub strides: [usize; 2],
    /// Keras's `padding`.
    pub padding: Padding,
}

impl Pool2dSpec {
    /// `[n, oh, ow, c]` for an input `[n, h, w, c]`.
    ///
    /// # Errors
    /// When the input is not of rank 4 or the window is larger than a valid-padded input.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let g = PoolGeometry::new("pool2d", self, input)?;
        Ok(vec![g.n, g.rows.outputs, g.columns.outputs, g.channels])
    }
}

/// One spatial axis: how windows of `taps` lie over `inputs` positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Positions of the input.
    pub inputs: usize,
    /// Positions of the output.
    pub outputs: usize,
    /// Taps of the window.
    pub taps: usize,
    /// Step between windows.
    pub stride: usize,
    /// Step between taps.
    pub dilation: usize,
    /// Zeros before the input.
    pub before: usize,
    /// Zeros after the input.
    pub after: usize,
}

impl Axis {
    pub(super) fn new(
        inputs: usize,
        taps: usize,
        stride: usize,
        dilation: usize,
        padding: Padding,
    ) -> Result<Axis, String> {
        if taps == 0 || stride == 0 || dilation == 0 {
            return Err("window, strides and dilation must be at least 1".into());
        }
        let reach = (taps - 1).checked_mul(dilation);
        let reach = reach.and_then(|reach| reach.checked_add(1));
        let reach = reach.ok_or("the dilated window is too large")?;
        // There is one window from here on, however long the step; and no step between taps where there is one tap.
        let stride = stride.min(inputs.max(1));
        let dilation = if taps == 1 {
            dilation.min(inputs.max(1))
        } else {
            dilation
        };
        let (outputs, before, after) = match padding {
            Padding::Valid if reach > inputs => {
                return Err(format!(
                    "a window that spans {reach} does not fit into {inputs}; use padding = same or a smaller window"
                ));
            }
            Padding::Valid => ((inputs - reach) / stride + 1, 0, 0),
            Padding::Same => {
                let outputs = inputs.div_ceil(stride);
                let steps = outputs.saturating_sub(1).checked_mul(stride);
                let spanned = steps.and_then(|steps| steps.checked_add(reach));
                let spanned = spanned.ok_or("the dilated window is too large")?;
                let needed = spanned.saturating_sub(inputs);
                (outputs, needed / 2, needed - needed / 2)
            }
            Padding::Causal => (inputs.div_ceil(stride), reach - 1, 0),
        };
        Ok(Axis {
            inputs,
            outputs,
            taps,
            stride,
            dilation,
            before,
            after,
        })
    }

    /// The input position under `tap` of window `output`, or None where there is padding.
    #[inline]
    pub fn input(&self, output: usize, tap: usize) -> Option<usize> {
        (output * self.stride + tap * self.dilation)
            .checked_sub(self.before)
            .filter(|&i| i < self.inputs)
    }

    /// Length of the padded input.
    pub fn padded(&self) -> usize {
        self.inputs + self.before + self.after
    }
}

/// A convolution whose shapes have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Images.
    pub n: usize,
    /// The vertical axis.
    pub rows: Axis,
    /// The horizontal axis.
    pub columns: Axis,
    /// Channels of the input.
    pub channels: usize,
    /// Channels of the output.
    pub filters: usize,
    /// Groups of channels.
    pub groups: usize,
}

impl ConvGeometry {
    /// Checks `input` `[n, h, w, in]` against `kernel` `[kh, kw, in / groups, out]`.
    ///
    /// # Errors
    /// Names `operation`, the shapes, and what does not fit.
    pub fn new(
        operation: &'static str,
        spec: &Conv2dSpec,
        input: &[usize],
        kernel: &[usize],
    ) -> Result<Self> {
        let fail = |what: String| {
            Error::shape(
                operation,
                format!("{what} (input {input:?}, kernel {kernel:?})"),
            )
        };
        let (&[n, h, w, channels], &[kh, kw, per_group, filters]) = (input, kernel) else {
            return Err(fail(
                "the input must be [n, h, w, channels] and the kernel [kh, kw, channels, filters]"
                    .into(),
            ));
        };
        let groups = spec.groups;
        if groups == 0 || !channels.is_multiple_of(groups) || !filters.is_multiple_of(groups) {
            return Err(fail(format!(
                "{groups} groups do not divide {channels} channels and {filters} filters"
            )));
        }
        if channels / groups != per_group {
            let found = channels / groups;
            return Err(fail(format!(
                "input has {found} channels, the kernel expects {per_group}"
            )));
        }
        let rows = Axis::new(h, kh, spec.strides[0], spec.dilation[0], spec.padding)
            .map_err(|e| fail(format!("rows: {e}")))?;
        let columns = Axis::new(w, kw, spec.strides[1], spec.dilation[1], spec.padding)
            .map_err(|e| fail(format!("columns: {e}")))?;
        let g = ConvGeometry {
            n,
            rows,
            columns,
            channels,
            filters,
            groups,
        };
        for shape in [g.input_shape(), g.kernel_shape(), g.output_shape()] {
            shape::element_count(operation, &shape)?;
        }
        // What is to be padded must be an image, after what lies beyond it has been left out.
        let reached = g.reached().map_err(|e| fail(e.into()))?;
        let padded = reached.map_or(g, |(g, _)| g).padded_shape();
        shape::element_count(operation, &padded)
            .map_err(|_| fail(format!("with its padding the input would be {padded:?}")))?;
        Ok(g)
    }

    /// One image with its padding around it.
    fn padded_shape(&self) -> [usize; 3] {
        [self.rows.padded(), self.columns.padded(), self.channels]
    }

    /// `[n, h, w, in]`.
    pub fn input_shape(&self) -> [usize; 4] {
        [self.n, self.rows.inputs, self.columns.inputs, self.channels]
    }

    /// `[kh, kw, in / groups, out]`.
    pub fn kernel_shape(&self) -> [usize; 4] {
        [
            self.rows.taps,
            self.columns.taps,
            self.channels / self.groups,
            self.filters,
        ]
    }

    /// `[n, oh, ow, out]`.
    pub fn output_shape(&self) -> [usize; 4] {
        [
            self.n,
            self.rows.outputs,
            self.columns.outputs,
            self.filters,
        ]
    }

    /// Values of one input image.
    pub fn image(&self) -> usize {
        self.rows.inputs * self.columns.inputs * self.channels
    }

    /// Values of one output image.
    pub fn output(&self) -> usize {
        self.rows.outputs * self.columns.outputs * self.filters
    }

    /// Products of one image: as many as each of its gradients has.
    pub fn products(&self) -> usize {
        self.output() * self.rows.taps * self.columns.taps * self.channels / self.groups
    }
}

/// A pooling whose shapes have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolGeometry {
    /// Images.
    pub n: usize,
    /// The vertical axis.
    pub rows: Axis,
    /// The horizontal axis.
    pub columns: Axis,
    /// Channels.
    pub channels: usize,
}

impl PoolGeometry {
    /// Checks `input` `[n, h, w, c]`.
    ///
    /// # Errors
    /// Names `operation`, the shape, and what does not fit.
    pub fn new(operation: &'static str, spec: &Pool2dSpec, input: &[usize]) -> Result<Self> {
        let fail = |what: String| {
            Error::shape(
                operation,
                format!("{what} (input {input:?}, window {:?})", spec.size),
            )
        };
        let &[n, h, w, channels] = input else {
            return Err(fail("the input must be [n, h, w, channels]".into()));
        };
        let axis = |name: &str, inputs, i: usize| {
            Axis::new(inputs, spec.size[i], spec.strides[i], 1, spec.padding)
                .map_err(|e| fail(format!("{name}: {e}")))
        };
        let g = PoolGeometry {
            n,
            rows: axis("rows", h, 0)?.on_the_input(),
            columns: axis("columns", w, 1)?.on_the_input(),
            channels,
        };
        let outputs = [n, g.rows.outputs, g.columns.outputs, channels];
        for shape in [input, &outputs] {
            shape::element_count(operation, shape)?;
        }
        Ok(g)
    }

    /// Values of one input image.
    pub fn image(&self) -> usize {
        self.rows.inputs * self.columns.inputs * self.channels
    }

    /// Values of one output image.
    pub fn output(&self) -> usize {
        self.rows.outputs * self.columns.outputs * self.channels
    }

    /// Values that are looked at for one output image.
    pub(crate) fn visits(&self) -> usize {
        self.output() * self.rows.taps * self.columns.taps
    }
}
