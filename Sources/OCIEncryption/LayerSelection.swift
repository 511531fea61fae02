/// Which layers of each image are meant: all, or some by position (0 is the lowest, -1 the topmost).
public enum LayerSelection: Sendable, Hashable {
    /// Every layer.
    case all
    /// The layers at these positions.
    case positions([Int])

    /// Whether a layer is meant.
    ///
    /// - Throws: `ImageEncryptionError` with `invalid_request` when a position does not exist in this image.
    func contains(_ index: Int, of count: Int) throws -> Bool {
        guard case .positions(let positions) = self else { return true }
        for position in positions where position >= count || position < -count {
            throw ImageEncryptionError(.invalidRequest, "there is no layer \(position): the image has \(count) layers")
        }
        return positions.contains { ($0 < 0 ? $0 + count : $0) == index }
    }
}
