import Encodings
import RATS

/// Evidence of Intel TDX trust domains: a quote, and the log of what was measured into the runtime registers.
struct TDXAttester: HardwareAttester {
    private static let attempts = 3
    let tee = TEE.tdx
    let kernel: any Kernel
    let eventLog: any EventLogSource

    /// `{"cc_eventlog":"<base64>"|null,"quote":"<base64>"}`.
    func collect(_ reportData: [UInt8]) throws(GuestError) -> JSONValue {
        let field = try ReportDataField.padded(reportData)
        var log = try eventLog.bytes()
        for _ in 0..<Self.attempts {
            let quote = try TSMReport(kernel: kernel).blobs(of: .tdx, over: field).report
            // An event that is measured in between is in the log or in the quote, but not in both.
            let after = try eventLog.bytes()
            if after == log {
                let text = log.map { JSONValue.string(Base64.encode($0)) }
                return ["cc_eventlog": text ?? .null, "quote": .string(Base64.encode(quote))]
            }
            log = after
        }
        throw GuestError(
            .evidence, "Events were measured each time while a quote was made; try again when that is over.")
    }
}
