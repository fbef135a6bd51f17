//! The checks: each says what it has measured, or why it failed.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::baresip::Baresip;
use crate::bench::{ALICE, Bench, number_after};
use crate::far::{FarEnd, Identity, News};
use crate::phone::{ADDRESS, ICOUNT_SHIFT};
use crate::process::Process;
use crate::servers::{Kind, OWN, server};
use crate::{garbage, image, sound};

/// A check of a bench that has booted.
pub type Check = fn(&mut Bench) -> Result<String>;

const SECOND: Duration = Duration::from_secs(1);
/// A call is up within this time.
const UP_WITHIN: Duration = Duration::from_secs(2);
/// What was said and what came back have to be as alike as this.
const LIKENESS: f64 = 0.9;

/// The far end calls.
pub fn call_in(bench: &mut Bench) -> Result<String> {
    let up = bench.call_in()?;
    ensure!(up < UP_WITHIN, "up after {:.2} s", up.as_secs_f64());
    std::thread::sleep(SECOND);
    bench.hang_up()?;
    Ok(format!("up after {:.2} s, hung up by them", up.as_secs_f64()))
}

/// The phone calls.
pub fn call_out(bench: &mut Bench) -> Result<String> {
    let up = bench.call_out()?;
    ensure!(up < UP_WITHIN, "up after {:.2} s", up.as_secs_f64());
    std::thread::sleep(SECOND);
    let mark = bench.phone.mark();
    bench.phone.say("hangup")?;
    bench.phone.expect(mark, "phone: hung up", 3 * SECOND)?;
    bench.over()?;
    let live = bench.live()?;
    ensure!(live.calls == 0, "{} calls are left", live.calls);
    Ok(format!("up after {:.2} s, hung up by the phone, no call left", up.as_secs_f64()))
}

/// Speech goes through the phone and back.
pub fn speech(bench: &mut Bench) -> Result<String> {
    bench.call_in()?;
    std::thread::sleep(6 * SECOND);
    // A host that is busy with other things keeps QEMU from a packet now and then.
    let measured = hear(bench, 3)?;
    bench.hang_up()?;
    Ok(measured)
}

/// What came back of what was said; nothing may be lost on the way, and no more than so many packets
/// may come too late for the phone's jitter buffer.
fn hear(bench: &mut Bench, late_max: u64) -> Result<String> {
    let stats = bench.stats()?;
    let report = bench.far.report()?;
    let likeness = sound::likeness(&report.said, &report.heard);
    let lost_there = report.lost_there.context("the phone has sent no report")?;
    let measured = format!(
        "correlation {:.3}, {} ms later, lost {} there and {} here of {}, jitter buffer lost {} late \
         {}, delay {} ms, jitter {:.1} ms, {} reports",
        likeness.correlation,
        likeness.lag_ms,
        lost_there,
        report.lost,
        report.received,
        stats.lost,
        stats.late,
        stats.delay_ms,
        report.jitter.as_secs_f64() * 1000.0,
        report.reports,
    );
    ensure!(likeness.correlation > LIKENESS, "{measured}");
    ensure!(report.lost == 0 && lost_there <= 0 && stats.lost <= late_max, "{measured}");
    if let Some(refused) = report.refused {
        bail!("a datagram of the phone was refused: {refused}");
    }
    ensure!(report.received > 200, "{measured}");
    Ok(measured)
}

/// Digits in both directions.
pub fn dtmf(bench: &mut Bench) -> Result<String> {
    const DIGITS: &str = "19#*0";
    bench.call_in()?;
    std::thread::sleep(SECOND / 2);
    let mark = bench.phone.mark();
    bench.far.digits(DIGITS)?;
    std::thread::sleep(2 * SECOND);
    let console = bench.phone.since(mark);
    let there: String =
        console.iter().filter_map(|line| line.text.strip_prefix("media: digit ")).collect();
    bench.far.forget();
    bench.phone.say(&format!("dtmf {DIGITS}"))?;
    let mut here = String::new();
    for _ in DIGITS.chars() {
        let digit = |news: &News| matches!(news, News::Digit(_));
        if let (_, News::Digit(digit)) = bench.far.expect("a digit", 2 * SECOND, digit)? {
            here.push(digit);
        }
    }
    bench.hang_up()?;
    ensure!(there == DIGITS, "the phone heard {there}, not {DIGITS}");
    ensure!(here == DIGITS, "the far end heard {here}, not {DIGITS}");
    Ok(format!("{there} to the phone, {here} from it"))
}

/// Hold and resume, by either side.
pub fn hold(bench: &mut Bench) -> Result<String> {
    bench.call_in()?;
    std::thread::sleep(SECOND);
    // The phone holds: the far end may not send any more.
    bench.far.forget();
    bench.phone.ask("hold", "phone: holding")?;
    let changed = |sends| move |news: &News| *news == News::Changed { sends };
    bench.far.expect("being held", 2 * SECOND, changed(false))?;
    let before = bench.stats()?.received;
    std::thread::sleep(SECOND);
    let held = bench.stats()?.received - before;
    bench.phone.ask("hold", "phone: resuming")?;
    bench.far.expect("being taken back", 2 * SECOND, changed(true))?;
    let before = bench.stats()?.received;
    std::thread::sleep(SECOND);
    let resumed = bench.stats()?.received - before;
    // The far end holds: the phone must not send any more.
    let mark = bench.phone.mark();
    bench.far.hold(true)?;
    bench.phone.expect(mark, "held by the other side", 2 * SECOND)?;
    std::thread::sleep(SECOND / 10);
    let before = bench.far.report()?.received;
    std::thread::sleep(SECOND);
    let silent = bench.far.report()?.received - before;
    let mark = bench.phone.mark();
    bench.far.hold(false)?;
    bench.phone.expect(mark, "phone: talking", 2 * SECOND)?;
    let before = bench.far.report()?.received;
    std::thread::sleep(SECOND);
    let again = bench.far.report()?.received - before;
    let measured = format!(
        "packets a second: {held} to the phone that holds, {resumed} when it resumes; {silent} \
         from the phone that is held, {again} when it is not"
    );
    ensure!(held == 0 && silent == 0 && resumed > 40 && again > 40, "{measured}");
    bench.hang_up()?;
    Ok(measured)
}

/// The registration is refreshed before it ends.
pub fn refresh(bench: &mut Bench) -> Result<String> {
    let began = Instant::now();
    let mark = bench.phone.mark();
    let line = bench.phone.expect(mark, "phone: registered for", 40 * SECOND)?;
    let after = line.at.duration_since(began).as_secs_f64();
    Ok(format!("{}, after {after:.1} s", line.text))
}

/// Whether the phone shows that messages wait.
pub fn mailbox(bench: &mut Bench) -> Result<String> {
    let identity = Identity { user: "alice", port: 5078, registers: false, srtp: false };
    for (waiting, count) in [("yes", "2/8 (0/2)"), ("no", "0/8 (0/0)")] {
        // Each publication is one of its own: Kamailio would tell the phone of a changed one only
        // when it asks again.
        let mail = FarEnd::start(identity.clone(), OWN, server())?;
        let mark = bench.phone.mark();
        let body = format!(
            "Messages-Waiting: {waiting}\r\nMessage-Account: {ALICE}\r\nVoice-Message: {count}\r\n"
        );
        mail.publish("message-summary", "application/simple-message-summary", body)?;
        mail.expect("its publication", 3 * SECOND, |news| *news == News::Published)?;
        let shown = format!("phone: mailbox: Messages-Waiting: {waiting}");
        bench.phone.expect(mark, &shown, 3 * SECOND)?;
    }
    Ok("yes, then no, was shown".to_owned())
}

/// Whether the phone shows how another's presence changes.
pub fn presence(bench: &mut Bench) -> Result<String> {
    bench.far.forget();
    let mark = bench.phone.mark();
    bench.phone.say("watch sip:bob@example.test")?;
    let mut shown = Vec::new();
    for (open, word) in [(true, "open"), (false, "closed"), (true, "open")] {
        let mark = if shown.is_empty() { mark } else { bench.phone.mark() };
        bench.far.publish_presence(open)?;
        bench.far.expect("its publication", 3 * SECOND, |news| *news == News::Published)?;
        bench.phone.expect(mark, &format!("phone: presence: {word}"), 3 * SECOND)?;
        shown.push(word);
    }
    Ok(format!("{} was shown", shown.join(", ")))
}

/// Instant messages in both directions.
pub fn message(bench: &mut Bench) -> Result<String> {
    bench.far.forget();
    let mark = bench.phone.mark();
    bench.far.message(ALICE, "the lab says hello")?;
    bench.phone.expect(mark, "phone: message: the lab says hello", 3 * SECOND)?;
    bench.phone.ask("message sip:bob@example.test good morning", "phone: answered 200")?;
    let same = |news: &News| *news == News::Message("good morning".to_owned());
    bench.far.expect("a message", 3 * SECOND, same)?;
    Ok("both were printed".to_owned())
}

/// A call from sipp, straight to the phone.
pub fn sipp(bench: &mut Bench) -> Result<String> {
    let mark = bench.phone.mark();
    let mut sipp = Command::new("sipp");
    sipp.args(["-sn", "uac", &format!("{ADDRESS}:5060"), "-s", "alice", "-m", "1", "-d", "1500"])
        .args(["-i", "10.77.0.1", "-p", "5080", "-nostdin"])
        .current_dir(&bench.folder);
    let mut sipp = Process::start("sipp", &mut sipp, &bench.folder)?;
    if bench.setting.provisioned.srtp {
        let content = sipp.wait(5 * SECOND)?;
        ensure!(!content, "sipp's call in clear was taken");
        let live = bench.live()?;
        ensure!(live.calls == 0, "a call is left");
        return Ok("a call in clear was refused".to_owned());
    }
    bench.phone.expect(mark, "phone: ringing", 3 * SECOND)?;
    bench.phone.say("answer")?;
    bench.phone.expect(mark, "phone: they hung up", 5 * SECOND)?;
    ensure!(sipp.wait(3 * SECOND)?, "sipp was not content:\n{}", sipp.tail(30));
    Ok("its scenario uac was content".to_owned())
}

/// Calls to and from baresip, by way of the server.
pub fn baresip(bench: &mut Bench) -> Result<String> {
    let mut baresip = Baresip::start(&bench.folder, bench.setting.provisioned.srtp)?;
    let mut received = Vec::new();
    for ours in [true, false] {
        let mark = bench.phone.mark();
        if ours {
            bench.phone.say("dial sip:carol@example.test")?;
        } else {
            baresip.order("dial", ALICE)?;
            bench.phone.expect(mark, "phone: ringing", 3 * SECOND)?;
            bench.phone.say("answer")?;
        }
        bench.phone.expect(mark, "phone: talking", 5 * SECOND)?;
        baresip.expect("CALL_ESTABLISHED", 5 * SECOND)?;
        std::thread::sleep(3 * SECOND);
        let stats = bench.stats()?;
        ensure!(stats.received > 100 && stats.lost == 0, "{stats:?}");
        received.push(stats.received);
        if ours {
            bench.phone.ask("hangup", "phone: hung up")?;
        } else {
            baresip.order("hangup", "")?;
            bench.phone.expect(mark, "phone: they hung up", 3 * SECOND)?;
        }
        baresip.expect("CALL_CLOSED", 3 * SECOND)?;
        // The phone's sound stops a little after its call.
        std::thread::sleep(SECOND / 5);
    }
    Ok(format!("called and was called, {received:?} packets came, 0 lost"))
}

/// Ten calls leave nothing behind.
pub fn ten_calls(bench: &mut Bench) -> Result<String> {
    let before = bench.at_rest()?;
    for number in 0..10 {
        bench.calm()?;
        if number % 2 == 0 {
            bench.call_in()?;
            bench.hang_up()?;
        } else {
            bench.call_out()?;
            bench.phone.ask("hangup", "phone: hung up")?;
            bench.over()?;
        }
    }
    let after = bench.back_at(before)?;
    Ok(format!("before {before:?}, after {after:?}"))
}

/// Garbage on 5060 and on the media ports changes nothing.
pub fn fuzz(bench: &mut Bench) -> Result<String> {
    let before = bench.at_rest()?;
    let sent = garbage::throw(1, bench.wishes.fuzz, 400, true)?;
    let after = bench.back_at(before)?;
    let up = bench.call_in()?;
    bench.hang_up()?;
    let registered = bench.phone.since(bench.mark);
    let lost = registered.iter().filter(|line| line.text.contains("not registered")).count();
    Ok(format!(
        "{} datagrams to 5060, {} to the media ports: before {before:?}, after {after:?}, \
         registration refused {lost} times, a call is up after {:.2} s",
        sent.sip,
        sent.media,
        up.as_secs_f64()
    ))
}

/// Garbage on the media ports does not harm the speech of a call.
pub fn fuzz_call(bench: &mut Bench) -> Result<String> {
    bench.call_in()?;
    let time = (bench.wishes.fuzz / 10).max(6 * SECOND);
    let sent = garbage::throw(2, time, 200, false)?;
    let measured = hear(bench, 5)?;
    bench.hang_up()?;
    Ok(format!("{} datagrams; {measured}", sent.media))
}

/// The server restarts, and knows nobody.
pub fn restart(bench: &mut Bench) -> Result<String> {
    bench.servers.stop_sip();
    std::thread::sleep(2 * SECOND);
    let began = Instant::now();
    let mark = bench.phone.mark();
    bench.servers.start_sip()?;
    let line = bench.phone.expect(mark, "phone: registered for", 90 * SECOND)?;
    let after = line.at.duration_since(began);
    bench.renew_far()?;
    let up = bench.call_in()?;
    bench.hang_up()?;
    Ok(format!(
        "registered again after {:.1} s, a call is up after {:.2} s",
        after.as_secs_f64(),
        up.as_secs_f64()
    ))
}

/// The cable is pulled out and put in again.
pub fn cable(bench: &mut Bench) -> Result<String> {
    let mark = bench.phone.mark();
    bench.phone.cable(false)?;
    bench.phone.expect(mark, "phone: network down", 5 * SECOND)?;
    std::thread::sleep(3 * SECOND);
    let began = Instant::now();
    bench.phone.cable(true)?;
    bench.phone.expect(mark, "phone: network up", 15 * SECOND)?;
    let mark = bench.phone.mark();
    let line = bench.phone.expect(mark, "phone: registered for", 60 * SECOND)?;
    let after = line.at.duration_since(began);
    let up = bench.call_in()?;
    bench.hang_up()?;
    Ok(format!(
        "registered again after {:.1} s, a call is up after {:.2} s",
        after.as_secs_f64(),
        up.as_secs_f64()
    ))
}

/// How idle the core is in a call.
///
/// The phone measures with its own timer how long the core sleeps. With instructions counted, one
/// takes 2^shift nanoseconds of the board's time, whatever it does, and a sleep takes as long as it
/// lasts: the busy time divided by 2^shift ns is the number of instructions. A core of 25 MHz that
/// takes a cycle for each would be busy for 40 ns each.
pub fn cpu(bench: &mut Bench) -> Result<String> {
    const CYCLE_NS: f64 = 40.0;
    ensure!(bench.setting.counted, "instructions are not counted here");
    bench.call_in()?;
    std::thread::sleep(2 * SECOND);
    bench.phone.ask("cpu", "cpu: busy")?;
    std::thread::sleep(8 * SECOND);
    let line = bench.phone.ask("cpu", "cpu: busy")?.text;
    bench.hang_up()?;
    let busy_ns = number_after(&line, "busy")? as f64 * CYCLE_NS;
    let whole_ns = number_after(&line, "of")? as f64 * CYCLE_NS;
    let instructions = busy_ns / f64::from(1 << ICOUNT_SHIFT);
    let idle = 100.0 * (1.0 - instructions * CYCLE_NS / whole_ns);
    let goal = if bench.setting.provisioned.srtp { 85.0 } else { 95.0 };
    let frames = whole_ns / 20e6;
    let measured = format!(
        "idle {idle:.2} % of 25 MHz at a cycle an instruction (goal {goal} %), {:.0} instructions \
         for 20 ms; at one and a half cycles {:.2} %",
        instructions / frames,
        100.0 * (1.0 - 1.5 * instructions * CYCLE_NS / whole_ns),
    );
    ensure!(idle >= goal, "{measured}");
    Ok(measured)
}

/// What the image takes, against what the board has.
pub fn budget(bench: &mut Bench) -> Result<String> {
    let mark = bench.phone.mark();
    bench.live()?;
    let lines = bench.phone.since(mark);
    let stack = lines.iter().find(|line| line.text.starts_with("memory: stack"));
    let stack = number_after(&stack.context("no line about the stack")?.text, "stack")?;
    let sdk = lines.iter().find(|line| line.text.starts_with("memory: sdk"));
    let sdk = number_after(&sdk.context("no line about the SDK")?.text, "sdk")?;
    let image::Footprint { flash, statics } = image::footprint(&bench.wishes.image)?;
    let ram = statics + stack;
    let measured = format!(
        "flash {flash} of {}, RAM {ram} of {} ({statics} for good, stack at most {stack}), \
         the SDK's machines and storage {sdk} of {}",
        image::FLASH_MAX,
        image::RAM_MAX,
        image::SDK_RAM_MAX,
    );
    let fits = flash <= image::FLASH_MAX && ram <= image::RAM_MAX && sdk <= image::SDK_RAM_MAX;
    ensure!(fits, "{measured}");
    Ok(measured)
}

/// What of the programs is not there.
pub fn missing(kind: Kind, srtp: bool) -> Result<()> {
    let mut needed = vec!["qemu-system-arm", "dnsmasq", "ip", "kill", "unshare", "sipp"];
    if kind == Kind::Peers {
        needed.extend(["in.tftpd", "kamailio"]);
    }
    if kind == Kind::Peers || srtp {
        needed.push("baresip");
    }
    needed.retain(|program| crate::process::find(program).is_none());
    if !needed.is_empty() {
        bail!("not installed: {}", needed.join(", "));
    }
    Ok(())
}
