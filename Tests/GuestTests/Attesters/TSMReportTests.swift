import Glibc
import GuestTestSupport
import TestInput
import Testing

@testable import Guest

@Suite("Reports through configfs-tsm")
struct TSMReportTests {
    private let data = [UInt8](repeating: 0xDA, count: 64)

    private func kernel(_ tsm: SimulatedTSM) -> SimulatedKernel {
        let kernel = SimulatedKernel()
        kernel.put(tsm, at: SimulatedTSM.path)
        return kernel
    }

    private func error(_ work: () throws -> Void) -> GuestError? {
        do { try work() } catch { return error as? GuestError }
        return nil
    }

    @Test("GC 9.A.13: a report of the provider tdx_guest is taken, and the entry is gone afterwards")
    func provider() throws {
        let tsm = SimulatedTSM("tdx_guest") { ([1, 2] + $0.data, []) }
        let kernel = kernel(tsm)
        #expect(try TSMReport(kernel: kernel).provider() == "tdx_guest")
        let blobs = try TSMReport(kernel: kernel).blobs(of: .tdx, over: data)
        #expect(blobs == TSMReport.Blobs(report: [1, 2] + data, auxiliary: []))
        #expect(tsm.entries == 0)
        let kinds = kernel.calls.suffix(7).map { call in
            let words = call.split(separator: " ")
            let name = words[1].split(separator: "/").last.map(String.init) ?? ""
            return "\(words[0]) \(name.hasPrefix("claviger-") ? "entry" : name)"
        }
        #expect(
            kinds == [
                "mkdir entry", "read provider", "read generation", "write inblob", "read outblob", "read generation",
                "rmdir entry",
            ])
    }

    @Test("GC 9.A.13: another provider is an error where TDX is wanted", arguments: ["sev_guest", "foo_guest"])
    func otherProvider(name: String) {
        let tsm = SimulatedTSM(name) { _ in ([1], []) }
        let error = error { _ = try TSMReport(kernel: kernel(tsm)).blobs(of: .tdx, over: data) }
        #expect(error?.code == .system)
        #expect(error?.message.contains(name) == true)
        #expect(tsm.entries == 0)
    }

    @Test("GC 9.A.13: generation 2 after one write of our own is a conflict; the report is made again, in a new entry")
    func conflict() throws {
        let tsm = SimulatedTSM("tdx_guest", disturbances: 3) { ($0.data, []) }
        let kernel = kernel(tsm)
        #expect(try TSMReport(kernel: kernel).blobs(of: .tdx, over: data).report == data)
        let made = kernel.calls.filter { $0.hasPrefix("mkdir") }
        #expect(made.count == 4)
        #expect(Set(made).count == 4)
        #expect(tsm.entries == 0)
    }

    @Test("GC 9.A.13: conflicts without end are evidence_failed and say that somebody else writes there")
    func endlessConflict() {
        let tsm = SimulatedTSM("tdx_guest", disturbances: .max) { ($0.data, []) }
        let kernel = kernel(tsm)
        let error = error { _ = try TSMReport(kernel: kernel).blobs(of: .tdx, over: data) }
        #expect(error?.code == .evidence)
        #expect(error?.message.contains("Another process wrote") == true)
        #expect(kernel.calls.filter { $0.hasPrefix("mkdir") }.count == 4)
        #expect(tsm.entries == 0)
    }

    @Test(
        "GC 9.A.13: a generation that is no number is an error",
        arguments: ["", "junk", "-1", "1 2", "18446744073709551615"])
    func junk(text: String) {
        let tsm = SimulatedTSM("tdx_guest", generationText: { _ in text }) { _ in ([1], []) }
        let error = error { _ = try TSMReport(kernel: kernel(tsm)).blobs(of: .tdx, over: data) }
        #expect(error?.code == .system)
        #expect(error?.message.contains("generation") == true)
        #expect(tsm.entries == 0)
    }

    @Test("the privilege level is written as text and counts as a write of our own", arguments: [UInt32(0), 2])
    func privilegeLevel(floor: UInt32) throws {
        let tsm = SimulatedTSM("sev_guest", floor: floor) { ([UInt8($0.privilegeLevel)], [9, 9]) }
        let blobs = try TSMReport(kernel: kernel(tsm)).blobs(of: .sevSNP, over: data, privilegeLevel: 0)
        #expect(blobs == TSMReport.Blobs(report: [UInt8(floor)], auxiliary: [9, 9]))
    }

    @Test("data that the kernel drops in silence lead to an error, not to an old report")
    func dropped() {
        let tsm = SimulatedTSM("tdx_guest") { ($0.data, []) }
        let error = error { _ = try TSMReport(kernel: kernel(tsm)).blobs(of: .tdx, over: data + [0]) }
        #expect(error?.code == .system)
        #expect(tsm.entries == 0)
    }

    @Test(
        "what a pod lacks is said: the mount, the right to write, the driver",
        arguments: [
            (ENOENT, "mount -t configfs"), (EROFS, "read-only"), (EACCES, "root"), (ENXIO, "driver"),
            (ENOMEM, "memory"),
        ])
    func lacking(number: Int32, hint: String) {
        let tsm = SimulatedTSM("tdx_guest", refusal: number) { _ in ([1], []) }
        let error = error { _ = try TSMReport(kernel: kernel(tsm)).blobs(of: .tdx, over: data) }
        #expect(error?.systemError == number)
        #expect(error?.message.contains(hint) == true, "\(error?.message ?? "")")
        let nothing = self.error { _ = try TSMReport(kernel: SimulatedKernel()).blobs(of: .tdx, over: data) }
        #expect(nothing?.message.contains(SimulatedTSM.path) == true)
    }

    @Test("an empty report and one without end are errors", arguments: [0, 1_048_577])
    func size(count: Int) {
        let tsm = SimulatedTSM("tdx_guest") { _ in ([UInt8](repeating: 1, count: count), []) }
        #expect(error { _ = try TSMReport(kernel: kernel(tsm)).blobs(of: .tdx, over: data) }?.code == .system)
        #expect(tsm.entries == 0)
    }
}
