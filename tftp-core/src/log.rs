//! Log lines, where the feature `defmt` is on; nothing else otherwise.

macro_rules! debug {
    ($text:literal $(, $value:expr)* $(,)?) => {{
        #[cfg(feature = "defmt")]
        defmt::debug!($text $(, $value)*);
        #[cfg(not(feature = "defmt"))]
        {
            let _ = ($(&$value,)*);
        }
    }};
}

macro_rules! warn {
    ($text:literal $(, $value:expr)* $(,)?) => {{
        #[cfg(feature = "defmt")]
        defmt::warn!($text $(, $value)*);
        #[cfg(not(feature = "defmt"))]
        {
            let _ = ($(&$value,)*);
        }
    }};
}
