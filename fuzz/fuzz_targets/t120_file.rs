#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| handset_fuzz::t120::file(octets));
