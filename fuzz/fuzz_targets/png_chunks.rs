#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| taper_mutate::targets::fuzz("png_chunks", data));
