//! No way of a convolution takes memory from the system once it has been gone. One test only: the count belongs to the
//! whole process.

use taper_tensor::ops::Epilogue;
use taper_tensor::{Conv2dSpec, Padding, Result, Tensor, allocation_count};

fn step() -> Result<()> {
    let shapes = [
        ([9, 10, 11, 24], [3, 3, 24, 32], 1, 1),   // Winograd
        ([9, 10, 11, 24], [5, 5, 24, 7], 1, 1),    // direct
        ([9, 10, 11, 256], [1, 1, 256, 40], 1, 1), // pixels
        ([9, 10, 11, 24], [3, 3, 1, 24], 1, 24),   // depthwise
        ([9, 10, 11, 24], [3, 3, 4, 24], 2, 6),    // groups, strided
    ];
    for (input, kernel, stride, groups) in shapes {
        let spec = Conv2dSpec {
            strides: [stride; 2],
            padding: Padding::Same,
            groups,
            ..Conv2dSpec::default()
        };
        let (x, k) = (Tensor::<f32>::ones(input), Tensor::ones(kernel));
        let y = x.conv2d_fused(&k, None, &Epilogue::default(), &spec)?;
        y.conv2d_input_gradient(&k, &input, &spec)?;
        y.conv2d_kernel_gradient(&x, &kernel, &spec)?;
    }
    Ok(())
}

#[test]
fn only_the_first_step_allocates() {
    // One thread: how many buffers several need at once depends on who takes which task.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build().unwrap().install(|| {
        step().unwrap();
        let allocations = allocation_count();
        for _ in 0..3 {
            step().unwrap();
        }
        assert_eq!(allocation_count(), allocations);
    });
}
