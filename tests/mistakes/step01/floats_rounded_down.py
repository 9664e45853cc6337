"""y.long() silently turns 2.9 into class 2.

Seen in: pytorch#56577
Caught by: test_labels_that_are_not_integers_are_refused
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        return self.embed(y.long())
