import Glibc
import Guest
import Synchronization

/// The reports folder of configfs-tsm: what drivers/virt/coco/tsm.c of Linux does.
public final class SimulatedTSM: SimulatedKernel.FolderDriver {
    /// The request that a report is made of.
    public struct Request: Sendable, Hashable {
        /// The bytes that were written last.
        public var data: [UInt8] = []
        /// The VMPL that was written last.
        public var privilegeLevel: UInt32 = 0
    }

    private struct Entry {
        var request = Request()
        var generation = 0
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var disturbances: Int
        var refusal: Int32?
    }

    /// Where the folder is.
    public static let path = "/sys/kernel/config/tsm/report"
    private let provider: String
    private let floor: UInt32
    private let generationText: @Sendable (Int) -> String
    private let make: @Sendable (Request) -> (report: [UInt8], auxiliary: [UInt8])
    private let state: Mutex<State>

    /// A folder whose provider makes reports.
    ///
    /// - Parameters:
    ///   - provider: the provider's name, without the line feed that the kernel puts behind it.
    ///   - floor: the least VMPL that reports can name.
    ///   - disturbances: how often somebody else writes to an entry before its report is read.
    ///   - refusal: the error number with which new entries are refused; nil for none.
    ///   - generationText: how the kernel shows a generation.
    ///   - make: makes reports.
    public init(
        _ provider: String, floor: UInt32 = 0, disturbances: Int = 0, refusal: Int32? = nil,
        generationText: @escaping @Sendable (Int) -> String = { "\($0)\n" },
        make: @escaping @Sendable (Request) -> (report: [UInt8], auxiliary: [UInt8])
    ) {
        self.provider = provider
        self.floor = floor
        self.generationText = generationText
        self.make = make
        state = Mutex(State(disturbances: disturbances, refusal: refusal))
    }

    /// How many entries there are now.
    public var entries: Int { state.withLock { $0.entries.count } }

    /// The entry's attributes.
    public func make(_ path: String) throws(GuestError) -> [String: SimulatedKernel.Node] {
        let refusal = state.withLock { state in
            if state.refusal == nil { state.entries[path] = Entry() }
            return state.refusal
        }
        if let refusal { throw SimulatedKernel.refusal(refusal, path) }
        let readOnly: @Sendable ([UInt8]) throws(GuestError) -> Void = { _ throws(GuestError) in
            throw SimulatedKernel.refusal(EACCES, path)
        }
        let writeOnly: @Sendable () throws(GuestError) -> [UInt8] = { () throws(GuestError) in
            throw SimulatedKernel.refusal(EACCES, path)
        }
        var nodes: [String: SimulatedKernel.Node] = [
            "provider": .file(Array((provider + "\n").utf8)),
            "generation": .attribute(
                read: { [self] () throws(GuestError) in
                    Array(generationText(state.withLock { $0.entries[path]?.generation ?? 0 }).utf8)
                }, write: readOnly),
            "inblob": .attribute(
                read: writeOnly,
                write: { [self] bytes throws(GuestError) in
                    // The kernel takes 64 bytes at most and says nothing when there are more.
                    guard (1...64).contains(bytes.count) else { return }
                    change(path) { $0.data = bytes }
                }),
            "outblob": .attribute(
                read: { [self] () throws(GuestError) in try blobs(path, isFirst: true).report }, write: readOnly),
        ]
        guard provider == "sev_guest" else { return nodes }
        nodes["auxblob"] = .attribute(
            read: { [self] () throws(GuestError) in try blobs(path, isFirst: false).auxiliary }, write: readOnly)
        nodes["privlevel_floor"] = .file(Array("\(floor)\n".utf8))
        nodes["privlevel"] = .attribute(
            read: writeOnly,
            write: { [self] bytes throws(GuestError) in
                guard let level = UInt32(String(decoding: bytes, as: UTF8.self)), (floor...3).contains(level) else {
                    throw SimulatedKernel.refusal(EINVAL, path + "/privlevel")
                }
                change(path) { $0.privilegeLevel = level }
            })
        return nodes
    }

    /// Forgets the entry.
    public func remove(_ path: String) { state.withLock { $0.entries[path] = nil } }

    private func change(_ path: String, _ body: (inout Request) -> Void) {
        state.withLock { state in
            guard var entry = state.entries[path] else { return }
            body(&entry.request)
            entry.generation += 1
            state.entries[path] = entry
        }
    }

    private func blobs(
        _ path: String, isFirst: Bool
    ) throws(GuestError) -> (report: [UInt8], auxiliary: [UInt8]) {
        if isFirst,
            state.withLock({ state in
                state.disturbances -= 1
                return state.disturbances >= 0
            })
        {
            change(path) { $0.data = [UInt8](repeating: 0xEE, count: 64) }
        }
        guard let request = state.withLock({ $0.entries[path]?.request }), !request.data.isEmpty else {
            throw SimulatedKernel.refusal(EINVAL, path)
        }
        // Drivers of processors want all 64.
        guard request.data.count == 64 else { throw SimulatedKernel.refusal(EINVAL, path) }
        return make(request)
    }
}
