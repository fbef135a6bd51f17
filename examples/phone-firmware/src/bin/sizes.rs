//! An image whose symbols say how large the SDK's machines are on this chip: `figures sizes` makes
//! README's table of them. It is not run.

#![no_std]
#![no_main]

use core::panic::PanicInfo;

/// A symbol `SIZE_OF_…` as large as each type.
macro_rules! sizes {
    ($($name:ident = $type:ty;)*) => {
        $(
            #[used]
            #[unsafe(no_mangle)]
            static $name: [u8; size_of::<$type>()] = [0; size_of::<$type>()];
        )*

        #[cortex_m_rt::entry]
        fn main() -> ! {
            $(core::hint::black_box(&$name);)*
            loop {
                cortex_m::asm::wfi();
            }
        }
    };
}

sizes! {
    SIZE_OF_RTP_CALL_WITH_SRTP_AND_200_MS_OF_SOUND = (
        rtp_core::session::Session<'static>,
        rtp_core::session::Storage<1>,
        rtp_core::jitter::Buffer<'static>,
        rtp_core::jitter::Storage<10, 160>,
        rtp_core::srtp::Sender<1>,
        rtp_core::srtp::Receiver<1>,
    );
    SIZE_OF_RTP_JITTER_BUFFER = rtp_core::jitter::Buffer<'static>;
    SIZE_OF_RTP_JITTER_STORAGE_FOR_10_PACKETS_OF_160_OCTETS = rtp_core::jitter::Storage<10, 160>;
    SIZE_OF_RTP_SESSION = rtp_core::session::Session<'static>;
    SIZE_OF_RTP_SESSION_STORAGE_FOR_1_OTHER_MEMBER = rtp_core::session::Storage<1>;
    SIZE_OF_RTP_SRTP_RECEIVER = rtp_core::srtp::Receiver<1>;
    SIZE_OF_RTP_SRTP_SENDER = rtp_core::srtp::Sender<1>;
    SIZE_OF_SIP_AGENT = sip_core::agent::Agent<'static>;
    SIZE_OF_SIP_AGENT_STORAGE_FOR_1_ACCOUNT_2_CALLS_4_SUBSCRIPTIONS_10_TRANSACTIONS_8_KIB = sip_core::agent::Storage<1, 2, 4, 10, 8192>;
    SIZE_OF_SIP_MESSAGE_VIEW = sip_core::message::Message<'static>;
    SIZE_OF_T120_CONFERENCE = t120_core::conference::Conference<'static>;
    SIZE_OF_T120_CONFERENCE_STORAGE_FOR_1_CONNECTION_4_USERS_8_CHANNELS_5_TIMES_4_KIB = t120_core::conference::Storage<1, 4, 8, 4096>;
    SIZE_OF_TFTP_CLIENT = tftp_core::client::Client<'static>;
    SIZE_OF_TFTP_MESSENGER_RECEIVER = tftp_core::messenger::Receiver;
    SIZE_OF_TFTP_MESSENGER_SENDER = tftp_core::messenger::Sender;
    SIZE_OF_TFTP_SERVER = tftp_core::server::Server<'static>;
    SIZE_OF_TFTP_SERVER_STORAGE_FOR_1_TRANSFER = tftp_core::server::Storage<1>;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
