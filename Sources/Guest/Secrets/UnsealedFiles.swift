import Encodings

/// The values of sealed files, and which of them are written.
public actor UnsealedFiles {
    private let targets: [UnsealTarget]
    private let unsealer: Unsealer
    private let projection: Projection
    private var written: Set<UnsealTarget> = []
    private var isOver = false

    /// Files for `targets`, opened by `unsealer`.
    public init(_ targets: [UnsealTarget], by unsealer: Unsealer, into projection: Projection) {
        self.targets = targets
        self.unsealer = unsealer
        self.projection = projection
    }

    /// The files not written yet.
    public var missing: [UnsealTarget] { targets.filter { !written.contains($0) } }

    /// Tries to unseal and write each missing file once.
    ///
    /// - Returns: the failures; empty when all files are in place.
    public func writeMissing() async -> [(target: UnsealTarget, error: GuestError)] {
        var failures: [(target: UnsealTarget, error: GuestError)] = []
        for target in missing {
            do throws(GuestError) {
                let sealed = try SmallFile.read(target.input, limit: SealedText.maximumBytes, as: "sealed file")
                let secret = try await unsealer.unseal(Self.withoutLineEnd(sealed.copyBytes()))
                // The end may have come while the broker was asked.
                guard !isOver else { return failures }
                try projection.write(secret, to: target.output)
                written.insert(target)
            } catch {
                failures.append((target, error))
            }
        }
        return failures
    }

    /// Removes what was written; nothing is written any more.
    ///
    /// - Throws: `GuestError` with `projection` when a file resists; the others are removed all the same.
    public func removeAll() throws(GuestError) {
        isOver = true
        var failure: GuestError?
        for target in written {
            do throws(GuestError) {
                try projection.remove(target.output)
                written.remove(target)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Editors and `echo` end a file with a line feed, which no sealed text has.
    private static func withoutLineEnd(_ bytes: [UInt8]) -> [UInt8] {
        bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes
    }
}
