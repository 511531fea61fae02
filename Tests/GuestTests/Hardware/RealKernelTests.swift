import Foundation
import Glibc
import Testing

@testable import Guest

@Suite("The kernel that this process runs on")
struct RealKernelTests {
    private let root = FileManager.default.temporaryDirectory.appending(path: "kernel-\(UUID().uuidString)").path
    private let kernel: RealKernel

    init() throws {
        try FileManager.default.createDirectory(atPath: root + "/dev", withIntermediateDirectories: true)
        kernel = RealKernel(root: root)
    }

    @Test("all paths lie below the root folder")
    func belowRoot() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(kernel.exists("/dev"))
        #expect(!kernel.exists("/proc"))
        try Data([1, 2]).write(to: URL(filePath: root + "/dev/inblob"))
        try kernel.write([3, 4, 5], to: "/dev/inblob")
        #expect(try kernel.read("/dev/inblob", limit: 3) == [3, 4, 5])
        try kernel.makeDirectory("/dev/entry")
        #expect(try kernel.list("/dev") == ["entry", "inblob"])
        try kernel.removeDirectory("/dev/entry")
        #expect(try kernel.list("/dev") == ["inblob"])
    }

    @Test(
        "a file longer than expected is refused, at every size around the buffer's", arguments: [0, 1, 65_536, 200_000])
    func limit(count: Int) throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 251) }
        try Data(bytes).write(to: URL(filePath: root + "/dev/log"))
        #expect(try kernel.read("/dev/log", limit: count) == bytes)
        #expect(try kernel.read("/dev/log", limit: count + 7) == bytes)
        guard count > 0 else { return }
        #expect { try kernel.read("/dev/log", limit: count - 1) } throws: { ($0 as? GuestError)?.systemError == EFBIG }
    }

    @Test("what the kernel refuses is named with its reason")
    func refusals() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        func number(_ work: () throws -> Void) -> Int32? {
            do { try work() } catch {
                return (error as? GuestError).flatMap { $0.code == .system ? $0.systemError : nil }
            }
            return nil
        }
        #expect(number { _ = try kernel.read("/nothing", limit: 1) } == ENOENT)
        #expect(number { try kernel.write([1], to: "/dev/new") } == ENOENT)
        #expect(number { try kernel.makeDirectory("/dev") } == EEXIST)
        #expect(number { try kernel.removeDirectory("/nothing") } == ENOENT)
        #expect(number { _ = try kernel.list("/nothing") } == ENOENT)
        #expect(number { _ = try kernel.open("/dev/none", .readWrite) } == ENOENT)
        #expect(number { _ = try kernel.read("/dev", limit: 1) } == EISDIR)
        #expect { try kernel.read("/nothing", limit: 1) } throws: { "\($0)".contains("/nothing: No such file") }
    }

    @Test("a driver's answer is what it wrote, and addresses are not given away")
    func control() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        // FIONREAD (0x541B) writes the number of waiting bytes into its argument.
        try Data([1, 2, 3]).write(to: URL(filePath: root + "/dev/log"))
        let device = try kernel.open("/dev/log", .readOnly)
        let argument = [UInt8](repeating: 0xAA, count: 16)
        let request = DeviceRequest(
            number: 0x541B, argument: argument, buffers: [[7, 7], [8]],
            pointers: [.init(in: .argument, at: 8, to: 1)])
        let answer = try device.control(request)
        #expect(answer.succeeded)
        #expect(answer.argument == [3, 0, 0, 0] + argument.dropFirst(4))
        #expect(answer.buffers == [[7, 7], [8]])
    }

    @Test("a driver's refusal is an answer; a request that points outside of itself is none")
    func refusedControl() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        try Data().write(to: URL(filePath: root + "/dev/log"))
        let answer = try kernel.control("/dev/log", DeviceRequest(number: 0xC020_5300, argument: [1]))
        #expect(!answer.succeeded)
        #expect(answer.systemError == ENOTTY)
        for pointer in [
            DeviceRequest.Pointer(in: .argument, at: 1, to: 0), .init(in: .argument, at: -1, to: 0),
            .init(in: .argument, at: 0, to: 1), .init(in: .buffer(0), at: 0, to: 0),
            .init(in: .buffer(3), at: 0, to: 0),
        ] {
            let request = DeviceRequest(
                number: 1, argument: [UInt8](repeating: 0, count: 8), buffers: [[0]], pointers: [pointer])
            #expect { try kernel.control("/dev/log", request) } throws: { ($0 as? GuestError)?.systemError == EFAULT }
        }
    }

    @Test("a device answers commands")
    func exchange() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let kernel = RealKernel()
        let device = try kernel.open("/dev/zero", .readWrite)
        #expect(try device.exchange([1, 2, 3], limit: 5) == [0, 0, 0, 0, 0])
        #expect(try kernel.open("/dev/null", .readWrite).exchange([1], limit: 5) == [])
    }
}
