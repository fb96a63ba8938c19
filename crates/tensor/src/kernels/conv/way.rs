//! Which way a convolution goes: the one place that decides.

use super::plane::Plane;
use super::winograd::Tiling;
use super::{fold, patches};
use crate::kernels::cut::images_per_task;
use crate::kernels::geometry::ConvGeometry;

/// The ways of a convolution, of its kernel gradient and, with the roles of channels and filters changed, of its input
/// gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// 3×3 with a quarter of the products, between transforms (`winograd`).
    Winograd(Tiling),
    /// 1×1: one matrix product over all pixels of the batch (`pixels`).
    Pixels,
    /// Groups of few channels: vectors of channels, multiplied lane by lane (`lanes`).
    Lanes,
    /// Input gradients towards few channels, or of windows that are large beside the image: patches that are added up where
    /// they overlap (`fold`).
    Fold,
    /// Narrow outputs: one matrix product over patches of several images (`patches`).
    Patches,
    /// Everything else: the register tile over one output row after another (`direct`).
    Direct,
}

impl Way {
    /// The way expected to be the fastest, by the convolution's shape alone. README.md has the times behind each line;
    /// `cargo xtask bench convolution ways` measures them anew.
    pub(crate) fn of(plane: &Plane) -> Way {
        // A quarter of the products, where the transforms do not cost more than the others.
        Way::without_winograd(plane)
            .or_else(|| Tiling::of(plane).map(Way::Winograd))
            .unwrap_or(Way::Direct)
    }

    /// The same for a batch of images.
    pub(crate) fn of_batch(g: &ConvGeometry) -> Way {
        match Way::of(&Plane::forward(g)) {
            Way::Direct if patches::pays(g) => Way::Patches,
            way => way,
        }
    }

    /// The same for the gradient of the convolution's input, which is the convolution `plane` of the output's gradient.
    pub(crate) fn of_input_gradient(g: &ConvGeometry, plane: &Plane) -> Way {
        match Way::of(plane) {
            Way::Direct if patches::pays(g) => Way::Patches,
            Way::Direct if fold::pays(g) => Way::Fold,
            way => way,
        }
    }

    /// The same for the convolution's kernel gradient.
    pub(crate) fn of_kernel_gradient(g: &ConvGeometry) -> Way {
        let plane = Plane::forward(g);
        let way = Way::without_winograd(&plane)
            .or_else(|| Tiling::of_gradient(&plane, images_per_task(g.n)).map(Way::Winograd));
        way.unwrap_or(if patches::pays(g) {
            Way::Patches
        } else {
            Way::Direct
        })
    }

    /// The ways that are taken wherever they are open.
    fn without_winograd(plane: &Plane) -> Option<Way> {
        let [inputs, outputs] = plane.per_group();
        let taps = plane.taps[0] * plane.taps[1];
        // The direct tile would fill a vector with one group's filters and leave the other lanes empty. Lane by lane all
        // are full, but the image must first be spread, which costs inputs · outputs values a group: next to nothing for
        // depthwise convolutions, and paid back only by several taps for others. From eight filters a group on (or five,
        // which no vector holds a whole number of), half a vector is full and the direct tile as fast.
        let lanes = inputs * outputs <= 8 || (outputs <= 4 && taps > 1);
        if plane.groups > 1 && lanes {
            return Some(Way::Lanes);
        }
        // The same products as the direct way, in fuller tiles and without padding: never slower, up to twice as fast where
        // images are small or channels many.
        if plane.groups == 1 && taps == 1 && plane.strides == [1, 1] {
            return Some(Way::Pixels);
        }
        None
    }
}
