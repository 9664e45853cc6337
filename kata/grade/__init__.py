"""The grader: from what was handed in to points, reasons and reports."""
