import Foundation
import RATS
import Testing

@testable import Policy

@Suite("Schedules")
struct ScheduleTests {
    private static let office = """
        timezone: Europe/Berlin, windows: [{days: [Mon, Tue, Wed, Thu, Fri], from: "08:00", to: "18:00"}]
        """
    private static let night = """
        timezone: Europe/Berlin, windows: [{days: [Sat], from: "22:00", to: "06:00"}]
        """

    private func policy(_ schedule: String) -> String {
        Fixture.release("  match: {resources: [\"payments/**\"]}\n  schedule: {\(schedule)}")
    }

    private func decide(_ schedule: String, at time: String) throws -> Decision {
        let now = try Date(time, strategy: .iso8601)
        let attestation = AttestationResult(
            issuer: "claviger", audience: nil, id: "1", issuedAt: now, notBefore: nil, expiresAt: now + 300,
            verifierDeveloper: "claviger", verifierBuild: "test", appraisals: [Fixture.appraisal()],
            protocolVersion: "0.4.0")
        return try Fixture.bundle(policy(schedule)).decide(
            ReleaseRequest(
                operation: "get", path: ["payments", "image-key", "app"], attestation: attestation, now: now))
    }

    @Test(
        "a window is read on the clock of its zone, also across midnight and changes of clocks",
        arguments: [
            // 2026-11-20 is a Friday; Berlin is one hour ahead in winter and two in summer.
            (office, "2026-11-20T06:59:59Z", false), (office, "2026-11-20T07:00:00Z", true),
            (office, "2026-11-20T16:59:59Z", true), (office, "2026-11-20T17:00:00Z", false),
            (office, "2026-07-03T06:00:00Z", true), (office, "2026-07-03T05:59:59Z", false),
            (office, "2026-11-21T10:00:00Z", false),
            (night, "2026-11-21T20:59:59Z", false), (night, "2026-11-21T21:00:00Z", true),
            (night, "2026-11-22T04:59:59Z", true), (night, "2026-11-22T05:00:00Z", false),
            (night, "2026-11-21T03:00:00Z", false),
            // Clocks go from 02:00 to 03:00 on 2026-03-29 and from 03:00 to 02:00 on 2026-10-25, both Sundays.
            ("timezone: Europe/Berlin, windows: [{from: \"02:00\", to: \"03:00\"}]", "2026-03-29T01:00:00Z", false),
            ("timezone: Europe/Berlin, windows: [{from: \"02:00\", to: \"03:00\"}]", "2026-03-29T00:59:59Z", false),
            ("timezone: Europe/Berlin, windows: [{from: \"02:00\", to: \"03:00\"}]", "2026-10-25T00:30:00Z", true),
            ("timezone: Europe/Berlin, windows: [{from: \"02:00\", to: \"03:00\"}]", "2026-10-25T01:30:00Z", true),
            ("timezone: \"+05:30\", windows: [{from: \"00:00\", to: \"00:30\"}]", "2026-10-25T18:45:00Z", true),
            ("windows: [{days: [Sun], from: \"00:00\", to: \"24:00\"}]", "2026-11-22T23:59:59Z", true),
            ("windows: [{days: [Sun], from: \"00:00\", to: \"24:00\"}]", "2026-11-23T00:00:00Z", false),
            ("notBefore: \"2026-11-20T10:00:00Z\"", "2026-11-20T09:59:59Z", false),
            ("notBefore: \"2026-11-20T10:00:00Z\"", "2026-11-20T10:00:00Z", true),
            ("notAfter: \"2026-11-20T10:00:00Z\"", "2026-11-20T10:00:00Z", false),
        ])
    func windows(_ schedule: String, _ time: String, _ isOpen: Bool) throws {
        let decision = try decide(schedule, at: time)
        #expect(decision.allowed == isOpen)
        #expect(decision.reason == (isOpen ? .allowed : .outsideSchedule))
    }

    @Test(
        "a refusal says when the schedule opens next",
        arguments: [
            (office, "2026-11-20T17:00:00Z", "2026-11-23T07:00:00Z (Mon 08:00 Europe/Berlin)"),
            (night, "2026-11-22T05:00:00Z", "2026-11-28T21:00:00Z (Sat 22:00 Europe/Berlin)"),
            // The window's beginning does not occur that day: it opens when the clock jumps over it.
            (
                "timezone: Europe/Berlin, windows: [{from: \"02:30\", to: \"04:00\"}]", "2026-03-29T00:00:00Z",
                "2026-03-29T01:00:00Z (Sun 03:00 Europe/Berlin)"
            ),
            (
                "notBefore: \"2026-12-01T12:00:00Z\", windows: [{days: [Tue], from: \"08:00\", to: \"10:00\"}]",
                "2026-11-20T17:00:00Z", "2026-12-08T08:00:00Z (Tue 08:00 UTC)"
            ),
            ("notAfter: \"2026-11-20T10:00:00Z\"", "2026-11-20T10:00:00Z", "it does not open again"),
            (
                "notAfter: \"2026-11-21T10:00:00Z\", windows: [{days: [Mon], from: \"08:00\", to: \"10:00\"}]",
                "2026-11-20T10:00:00Z", "it does not open again"
            ),
        ])
    func nextOpening(_ schedule: String, _ time: String, _ words: String) throws {
        let decision = try decide(schedule, at: time)
        #expect(decision.message.contains(words), "\(decision.message)")
        #expect(decision.explanation().contains("FAIL  spec.schedule"))
    }

    @Test("a guardrail with a schedule objects outside of it")
    func guardrail() throws {
        let limit = Fixture.clusterRelease(
            """
              effect: Guardrail
              match: {resources: ["**"]}
              schedule: {notAfter: "2020-01-01T00:00:00Z"}
            """)
        let allow = Fixture.release("  match: {resources: [\"payments/**\"]}")
        let decision = try Fixture.bundle(allow, limit).decide(Fixture.request())
        #expect(decision.reason == .guardrailDenied)
        #expect(decision.message.contains("does not open again"))
    }

    @Test(
        "what is no schedule is refused where it stands",
        arguments: [
            ("timezone: Europe/Berlim, windows: [{from: \"08:00\", to: \"09:00\"}]", "invalid_value", "timezone"),
            ("timezone: ../../etc/passwd, notAfter: \"2026-01-01T00:00:00Z\"", "invalid_value", "timezone"),
            ("windows: [{from: \"08:00\", to: \"08:00\"}]", "invalid_value", "windows[0]"),
            ("windows: [{from: \"24:00\", to: \"08:00\"}]", "invalid_value", "windows[0]"),
            ("windows: [{from: \"8:00\", to: \"09:00\"}]", "invalid_value", "windows[0].from"),
            ("windows: [{from: \"08:60\", to: \"09:00\"}]", "invalid_value", "windows[0].from"),
            ("windows: [{days: [Monday], from: \"08:00\", to: \"09:00\"}]", "invalid_value", "windows[0].days[0]"),
            ("windows: [{from: 08:00, to: \"09:00\"}]", "wrong_type", "windows[0].from"),
            ("timezone: UTC", "invalid_value", ""), ("windows: []", "invalid_value", "windows"),
            ("notBefore: \"2026-02-01T00:00:00Z\", notAfter: \"2026-01-01T00:00:00Z\"", "invalid_value", "notAfter"),
            ("until: \"2026-02-01T00:00:00Z\"", "unknown_field", "until"),
        ])
    func refused(_ schedule: String, _ code: String, _ field: String) {
        let found = Fixture.diagnostics(policy(schedule))
        let path = field.isEmpty ? "spec.schedule" : "spec.schedule.\(field)"
        #expect(found.contains { $0.code == code && $0.path == path && $0.line > 6 }, "\(found)")
    }
}
