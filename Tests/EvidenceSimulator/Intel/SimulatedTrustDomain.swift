import Encodings
import RATS
import Verification

/// A trust domain on a simulated machine. Everything that it presents can be changed before it is signed.
package struct SimulatedTrustDomain: Sendable {
    /// The form of a quote and of the report in it.
    package enum Form: String, Sendable, CaseIterable {
        /// Version 4 with a report of TDX 1.0.
        case version4
        /// Version 5 with a report of TDX 1.0.
        case version5TDX10
        /// Version 5 with a report of TDX 1.5.
        case version5TDX15
    }

    /// The machine.
    package var platform: SimulatedPlatform
    /// The header of its quotes.
    package var header: QuoteHeader
    /// The report, whose report data is filled in when it is sent.
    package var report: TrustDomainReport
    /// The event log that is sent along.
    package var eventLog: SimulatedEventLog?
    private let form: Form

    /// A trust domain that nothing is wrong with; its registers follow from the event log, or are zero without one.
    package init(
        on platform: SimulatedPlatform, form: Form = .version4, eventLog: SimulatedEventLog? = SimulatedEventLog()
    ) throws {
        self.platform = platform
        self.form = form
        self.eventLog = eventLog
        header = try .intel(version: form == .version4 ? 4 : 5, teeType: 0x81)
        var fields: [(TrustDomainReport.Field, [UInt8])] = [
            (.tcbSVN, TCBInfoDraft.moduleVersions), (.seamMeasurement, Array(repeating: 0x5A, count: 48)),
            (.attributes, littleEndian(TrustDomainReport.Attributes.withoutSurpriseFaults.rawValue)),
            (.features, littleEndian(UInt64(0x61AE7))), (.launchMeasurement, Array(repeating: 0x7D, count: 48)),
        ]
        if form == .version5TDX15 { fields.append((.currentTCBSVN, TCBInfoDraft.moduleVersions)) }
        let size = form == .version5TDX15 ? TrustDomainReport.size15 : TrustDomainReport.size10
        report = try TrustDomainReport.of(fields, size: size)
        if let eventLog { record(eventLog) }
    }

    /// Sets the registers to what an event log leads to.
    package mutating func record(_ log: SimulatedEventLog) {
        let registers: [TrustDomainReport.Field] = [.register0, .register1, .register2, .register3]
        for (number, field) in registers.enumerated() {
            report = report.replacing(field, with: log.register(number))
        }
    }

    /// This trust domain with one field of its report replaced; it is signed again whenever it is sent.
    package func twin(_ field: TrustDomainReport.Field, _ value: [UInt8]) -> SimulatedTrustDomain {
        var twin = self
        twin.report = report.replacing(field, with: value)
        return twin
    }

    /// This trust domain with other attributes besides.
    package func twin(adding attributes: TrustDomainReport.Attributes) -> SimulatedTrustDomain {
        twin(.attributes, littleEndian(report.attributes.union(attributes).rawValue))
    }

    /// A quote with zeros after the digest that it is bound to.
    package func quote(bound digest: [UInt8]) throws -> [UInt8] {
        let report = report.replacing(.reportData, with: digest)
        let descriptor: [UInt8] =
            switch form {
            case .version4: []
            case .version5TDX10: littleEndian(UInt16(2)) + littleEndian(UInt32(TrustDomainReport.size10))
            case .version5TDX15: littleEndian(UInt16(3)) + littleEndian(UInt32(TrustDomainReport.size15))
            }
        let signature = try platform.signature(over: header.bytes + descriptor + report.bytes, for: .tdx)
        return IntelQuote(header: header, bodyDescriptor: descriptor, body: .trustDomain(report), signature: signature)
            .encoded
    }

    /// Fresh evidence that is bound to a digest.
    package func evidence(bound digest: [UInt8]) throws -> Evidence {
        Evidence(
            tee: .tdx,
            content: [
                "cc_eventlog": eventLog.map { .string(Base64.encode($0.encoded)) } ?? .null,
                "quote": .string(Base64.encode(try quote(bound: digest))),
            ])
    }
}
