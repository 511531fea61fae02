/// The release that a program is of.
public enum Release {
    /// The version (Semantic Versioning 2.0.0) that all programs of a release say, and that the charts install.
    public static let version = "0.1.0"
}
