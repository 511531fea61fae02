import Glibc
import Synchronization

/// A TPM 2.0 of this machine, by the path of its device, or of a Unix socket on which it takes bare commands.
///
/// It is opened for each piece of work and closed again: a device without the kernel's resource manager lets in only one
/// program at a time.
public final class TPMDevice: Sendable {
    /// Where TPMs are looked for: first behind the kernel's resource manager, which others can use at the same time.
    public static let usualPaths = ["/dev/tpmrm0", "/dev/tpm0", "/dev/tpm1", "/dev/tpm2"]

    private static let patience: Duration = .seconds(10)
    private static let pause: useconds_t = 20_000

    /// The path.
    public let path: String
    private let kernel: any Kernel
    private let turn = Mutex(())

    /// The TPM at `path`, which is not opened yet.
    public init(_ path: String, kernel: any Kernel) {
        self.path = path
        self.kernel = kernel
    }

    /// The configured TPM, else the first of the usual ones; nil when there is none.
    ///
    /// - Parameter configured: a path; when there is nothing no other TPM is taken in its place.
    public static func find(_ configured: String?, kernel: any Kernel) -> TPMDevice? {
        let paths = configured.map { [$0] } ?? usualPaths
        return paths.first(where: kernel.exists).map { TPMDevice($0, kernel: kernel) }
    }

    /// Opens the TPM, does the work and closes it. Blocks the thread, also as long as others in this process work.
    func session<Result: Sendable>(_ work: (TPM) throws(TPMError) -> Result) throws(TPMError) -> Result {
        try turn.withLock { _ throws(TPMError) -> Result in try work(TPM(transport: try transport())) }
    }

    /// The same, with the errors of a guest.
    func guestSession<Result: Sendable>(_ work: (TPM) throws(TPMError) -> Result) throws(GuestError) -> Result {
        do throws(TPMError) {
            return try session(work)
        } catch {
            throw error.guestError
        }
    }

    /// The same on a thread of its own, for callers that must not block.
    func run<Result: Sendable>(
        _ work: @escaping @Sendable (TPM) throws(TPMError) -> Result
    ) async throws(GuestError) -> Result {
        try await HardwareWork.run { () throws(GuestError) -> Result in try self.guestSession(work) }
    }

    private func transport() throws(TPMError) -> any TPMTransport {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { return try TPMSocket(path) }
        let end = ContinuousClock.now + Self.patience
        while true {
            do throws(GuestError) {
                return TPMDriver(device: try kernel.open(path, .readWrite))
            } catch {
                // Another program has a device that lets in only one.
                guard error.systemError == EBUSY, ContinuousClock.now < end else { throw .unavailable(error.message) }
                usleep(Self.pause)
            }
        }
    }
}
