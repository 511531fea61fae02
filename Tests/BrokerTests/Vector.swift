import Foundation
import TestInput

enum Vector: VectorFolder {
    static var bundle: Bundle { .module }
}
