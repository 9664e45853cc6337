"""The grader: from submissions to points, reasons and reports."""
