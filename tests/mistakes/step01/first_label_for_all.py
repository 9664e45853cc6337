"""The first label is looked up for the whole batch: every sample is of one class.

Seen in: kmualim/CGAN-Pytorch#1
Caught by: test_each_label_gets_its_row, test_every_label_from_zero_to_null_has_a_row_of_its_own
"""


class ClassEmbedding(ClassEmbedding):
    def forward(self, y):
        return self.embed(y[:1]).expand(len(y), -1)
