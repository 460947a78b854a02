"""Qt item models of the window's tables, trees and lists, and functions that return their texts. No widgets."""
