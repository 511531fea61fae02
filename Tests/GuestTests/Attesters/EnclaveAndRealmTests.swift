import Encodings
import Glibc
import GuestTestSupport
import Synchronization
import TestInput
import Testing

@testable import Guest

@Suite("Evidence of enclaves and realms")
struct EnclaveAndRealmTests {
    private func failure(_ work: () async throws -> Void) async -> GuestError? {
        do { try await work() } catch { return error as? GuestError }
        return nil
    }

    @Test("GC 9.A.15: CCA: the realm's token over padded data, as numbers")
    func realm() async throws {
        let kernel = SimulatedKernel()
        kernel.put(SimulatedTSM("arm_cca_guest") { ([0xD9, 1] + $0.data, []) }, at: SimulatedTSM.path)
        let evidence = try await CCAAttester(kernel: kernel).evidence(reportData: [5])
        #expect(evidence == ["token": .bytes([0xD9, 1, 5] + .zeros(63))])
        kernel.put(SimulatedTSM("tdx_guest") { _ in ([1], []) }, at: SimulatedTSM.path)
        #expect(
            await failure { _ = try await CCAAttester(kernel: kernel).evidence(reportData: [5]) }?.code == .evidence)
    }

    /// Gramine's folder: the quote covers what was written last.
    private func gramine(_ quote: @escaping @Sendable ([UInt8]) -> [UInt8]) -> SimulatedKernel {
        let kernel = SimulatedKernel()
        let written = Shared<[UInt8]>([])
        kernel.put("dcap", at: SGXAttester.typePath)
        kernel.put(
            .attribute(
                read: { () throws(GuestError) in written.value },
                write: { bytes throws(GuestError) in written.value = bytes }),
            at: "/dev/attestation/user_report_data")
        kernel.put(
            .attribute(read: { () throws(GuestError) in quote(written.value) }, write: { _ throws(GuestError) in }),
            at: "/dev/attestation/quote")
        return kernel
    }

    @Test("GC 9.A.15: SGX under Gramine: 64 bytes are written, then the quote is read")
    func gramineQuote() async throws {
        let kernel = gramine { [3] + $0 }
        let attester = SGXAttester(kernel: kernel, system: .gramine)
        #expect(try await attester.evidence(reportData: [5]) == ["quote": .base64([3, 5] + .zeros(63))])
        #expect(kernel.calls == ["write /dev/attestation/user_report_data", "read /dev/attestation/quote"])
    }

    @Test("quotes for several callers at once cover what each of them asked for")
    func gramineTurns() async throws {
        let attester = SGXAttester(
            kernel: gramine { bytes in
                usleep(200)
                return bytes
            }, system: .gramine)
        let right = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in UInt8(1)...40 {
                group.addTask {
                    try await attester.evidence(reportData: [number]) == ["quote": .base64([number] + .zeros(63))]
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(right == 40)
    }

    @Test("GC 9.A.15: SGX under Occlum: size and quote through the device, byte for byte")
    func occlumQuote() async throws {
        let device = SimulatedDevice { request throws(GuestError) in
            if request.number == 0x8004_7307 { return DeviceAnswer(argument: [0x00, 0x10, 0, 0]) }
            guard request.number == 0xC018_7308, request.argument == .zeros(24) else { return request.unknown }
            let quote = [3] + request.buffers[0]
            var buffers = request.buffers
            buffers[1] = [UInt8(quote.count), 0, 0, 0]
            buffers[2].replaceSubrange(..<quote.count, with: quote)
            return DeviceAnswer(argument: request.argument, buffers: buffers)
        }
        let kernel = SimulatedKernel()
        kernel.put(.device(device), at: "/dev/sgx")
        let attester = SGXAttester(kernel: kernel, system: .occlum)
        #expect(try await attester.evidence(reportData: [5]) == ["quote": .base64([3, 5] + .zeros(63))])
        #expect(device.requests.map(\.argument) == [.zeros(4), .zeros(24)])
        #expect(device.requests[1].buffers == [[5] + .zeros(63), [0x00, 0x10, 0, 0], .zeros(4096)])
        #expect(
            device.requests[1].pointers == [
                .init(in: .argument, at: 0, to: 0), .init(in: .argument, at: 8, to: 1),
                .init(in: .argument, at: 16, to: 2),
            ])
    }

    @Test(
        "an enclave's system that refuses, announces absurd sizes or makes nothing gives no evidence",
        arguments: [0, 65_537])
    func badSystems(size: UInt32) async {
        let absurd = SimulatedDevice { request throws(GuestError) in
            DeviceAnswer(argument: withUnsafeBytes(of: size.littleEndian) { Array($0) })
        }
        let refusing = SimulatedDevice { request throws(GuestError) in request.refused(EIO) }
        for device in [absurd, refusing] {
            let kernel = SimulatedKernel()
            kernel.put(.device(device), at: "/dev/sgx")
            let attester = SGXAttester(kernel: kernel, system: .occlum)
            #expect(await failure { _ = try await attester.evidence(reportData: [5]) }?.code == .evidence)
        }
        let empty = SGXAttester(kernel: gramine { _ in [] }, system: .gramine)
        #expect(await failure { _ = try await empty.evidence(reportData: [5]) }?.code == .evidence)
        #expect(await failure { _ = try await empty.evidence(reportData: .zeros(65)) }?.code == .invalidRequest)
    }
}

/// A value that closures share.
final class Shared<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
