import Foundation
import TestPrograms
import Testing

@Suite(
    "Volumes in a kernel of their own", .timeLimit(.minutes(10)),
    .enabled(
        if: ProcessInfo.processInfo.environment["CLAVIGER_VOLUME_KERNEL"] != nil,
        "a kernel as a process takes a processor for itself: scripts/volume-check.sh runs this one alone"),
    .enabled(
        if: !VolumeMachine.hasDeviceMapper && UserModeLinux.isAvailable && VolumeMachine.hasCryptsetup,
        "the kernel here can do it itself, or user-mode-linux and cryptsetup are not installed"))
struct VolumeKernelTests {
    @Test("GC 9.G.73: all tests of volumes on a device pass in user-mode Linux, where this machine's kernel cannot")
    func userModeLinux() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "uml-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
        let log = folder.appending(path: "log").path
        let outcome = try await UserModeLinux.run(
            "cd '\(FileManager.default.currentDirectoryPath)' && '\(program)' --testing-library swift-testing --filter VolumeDeviceTests >'\(log)' 2>&1",
            in: folder)
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        #expect(outcome.status == 0, "\(text.suffix(6000))\n\(outcome.console.suffix(2000))")
        #expect(text.contains("Test run with 7 tests"), "\(text.suffix(2000))")
        #expect(!text.contains("skipped"), "\(text.suffix(2000))")
    }
}
