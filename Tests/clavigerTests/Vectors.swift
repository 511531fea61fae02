import Foundation
import TestInput

enum Vectors: VectorFolder {
    static var bundle: Bundle { .module }
}
