"""The hints of every step, in three levels: a question, a pointer, nearly code. Read through the manifest."""

HINTS: dict[int, tuple[str, str, str]] = {
    1: (
        """\
How many different things can a label say? Count the classes, and do not forget
"any of them, I do not mind which". Which row number is still free for that one?""",
        """\
nn.Embedding(rows, width) is a table; calling it with labels looks their rows up, and it
refuses numbers of rows that it does not have. Its weights start as N(0, 1), which is too
large here: nn.init.normal_ draws a tensor anew, in place, with a mean and a std.
Initialise nn.Module before you set attributes, and use no padding_idx.""",
        """\
__init__
    remember K twice: as the number of classes, and as the null class
    embed: a table of K rows and one more, each D wide
    draw embed's weight anew: mean 0, standard deviation 0.02
forward
    labels of a floating or boolean dtype: TypeError
    otherwise what the table gives for the labels, as int64""",
    ),
    2: (
        """\
combine: two vectors of one width become one vector of that width, and nothing is lost.
What is the simplest way? And what would PyTorch do, without a word, if one had an axis more?
modulate: if scale and shift are both zero, what should happen to x?""",
        """\
PyTorch lines shapes up from the right. (B, F) beside (B, N, F) puts B under N: wrong, and
silent where B = N or B = 1. The scale needs an axis of length 1 for the tokens, between its
two. And compare shapes before you compute: what does not fit is a ValueError.""",
        """\
combine
    shapes not equal: ValueError; else time plus class
modulate
    x must have 3 axes, scale and shift must both be (B, F): else ValueError
    give scale and shift the shape (B, 1, F), by unsqueeze or by [:, None]
    one plus that scale, times x; then add that shift""",
    ),
    3: (
        """\
guide: stand at the unconditional velocity. Which vector leads from there to the conditional
one, and how far along it do you walk for w = 0, for w = 1, for w = 4?
guided_velocity: for which two scales do you not need both velocities?""",
        """\
The formula is a straight line through two points; it needs no `if` for any w. A scale of
shape (B,) has to become (B, 1, 1, 1) before it meets the images, in the dtype of the
velocities; one of any other shape is refused before that.
For the two velocities at once, torch.cat doubles images, times and labels, torch.full_like
makes the null labels, and chunk(2) takes the answer apart, in the order you put it together.""",
        """\
guide
    a tensor scale: 0 axes or the shape (B,), else ValueError
    bring it to the velocities' dtype and device, as (B, 1, 1, 1)
    unconditional + scale * (from unconditional to conditional)
guided_velocity
    nulls: labels like y, all null_class
    a plain number 0: one call with the nulls; a plain number 1: one with y
    else one call on [x, x], [t, t], [nulls, y]; split it into two halves,
    the nulls' first, and hand them to guide with the scale""",
    ),
    4: (
        """\
Toss one coin a label: how do you get B numbers, of which each is below p with probability p,
whatever the others are? And who else still needs the labels that came in?""",
        """\
torch.rand draws uniformly from [0, 1), takes a shape, a generator and a device; "below p" is
then true with probability p, and never for p = 0. It must draw on the generator's device, if
there is one. torch.where and masked_fill give new tensors; an assignment to y[mask] does not.""",
        """\
p not between 0 and 1: ValueError
device: the generator's where there is one, else that of y
coins: uniform numbers in the shape of y, from the generator, on that device
hide: where the coins are smaller than p, brought to the device of y
a new tensor: null_class where hide is true, y elsewhere""",
    ),
    5: (
        """\
The given DiT works already: its forward turns t into a vector and hands that to its blocks.
What is the one thing that has to change, and at which single place in the code?""",
        """\
Read forward in kata/given/dit.py: it is two calls, time_embed and velocity. Yours are the same
two, with `combine` of step 2 in between. The width of the class table is cond_dim, not
embed_dim. For y = None make a tensor of null labels, one a sample, on the device of x, and
go on as for any labels: then both ways are the same to the last bit.""",
        """\
__init__
    hand all sizes to super().__init__, in its order: image, patch, ...
    remember K as num_classes and as null_class
    class_embed: the table of step 1 for K classes, as wide as cond_dim
forward
    no labels given: B null labels, int64, on x's device
    c: combine what time_embed says of t with what class_embed says of y
    what the method velocity says of x and c""",
    ),
    6: (
        """\
interpolate: where is x_t at t = 0, where at t = 1, and how fast does it move between them?
loss: how many noises, times and coins does a batch of B images need?
trainer: which three things must happen in which order for one step of an optimiser, and what
has to be written down so that tomorrow goes on exactly where today stopped?""",
        """\
Times of shape (B,) become (B, 1, 1, 1), by view or by [:, None, None, None]. torch.randn and
torch.rand take a generator, and draw on its device. F.mse_loss takes the mean over everything,
which is what is asked. AdamW is made once, in __init__; the mean of an epoch is the sum of its
batch losses (as floats: item()) over their number. state_dict() and load_state_dict() exist for
the model and for the optimiser, and torch.save writes a dict of such things.""",
        """\
interpolate
    shapes that do not fit: ValueError; times to (B, 1, 1, 1)
    (1 - t) parts of the image and t parts of the noise; noise minus image
loss
    noise like x0, B uniform times: from the generator, moved to x0's device
    the point and its velocity, by interpolate; labels through drop_labels
    mean squared error between what the model says there and the velocity
train
    print device, parameters, dropout; set train mode; then, every epoch:
    for every batch, moved to the device: the loss, gradients to zero,
    backward, step; keep the loss as a float
    append the mean to losses, print it with the epoch's number over all calls
checkpoint
    a dict of the states of model and optimiser, and the losses; and back,
    read with weights_only=True and map_location=device""",
    ),
    7: (
        """\
With N steps from t = 1 to t = 0, how long is a step, at which times do you ask the model, and
is t = 0 one of them? You go from noise to image, and v points from image to noise: which sign?
And what must the model, and its owner, not notice afterwards?""",
        """\
The three samplers are one loop with another velocity, so write the loop once, with a function
velocity(x, t) as an argument. Step i of N is at t = 1 - i / N, for all B samples alike. The
guided velocity is that of step 3. Note `model.training` before eval() and put it back in a
`finally`, so that an error does not leave the model changed. torch.no_grad() works as a
decorator. `x = x - ...` makes a new tensor; `x -= ...` would change the caller's noise.""",
        """\
the loop
    N below 1: ValueError
    start: the given noise, else N(0, 1) from the generator,
    drawn on the generator's device and moved to the model's
    in eval mode, without gradients, N times: a time for each of B samples,
    x minus one N-th of the velocity there; then the mode that you found
sample
    the velocity is what the model says of x and t alone
conditional
    labels to a tensor (torch.as_tensor), one axis (reshape), int64, moved;
    floats, bools and numbers outside 0 .. K are refused
    the velocity is guided_velocity with these labels, cfg_scale and K as null
each class
    0, 0, ..., 1, 1, ...: each class repeated in place, to the function above""",
    ),
    8: (
        """\
compare: if every scale drew its own noise, what would you be comparing?
fidelity: of N samples, how many did the classifier read as what was asked for?
diversity: over which axis do samples differ from each other, and over which do you only
take a mean at the end?""",
        """\
Draw the noise once, before the loop over the scales, and hand the same tensor to
sample_conditional of step 7 each time; torch.stack puts a new axis in front. The class that is
read is the argmax of the logits over their last axis; a mean of true and false is a share
once they are floats. Tensor.std takes dim and correction, and correction=0 divides by N.""",
        """\
compare
    noise not given: N(0, 1), (N, C, H, W), from the generator on its device
    for every scale, in order: sample_conditional for N times the digit,
    with that scale and that noise; stack the results
fidelity
    as many labels as samples, else ValueError
    compare the argmax of classifier(samples) with the labels;
    the mean of that, as a float
diversity
    fewer than 2 samples: ValueError
    standard deviation over the samples, for every pixel; the mean of those""",
    ),
    9: (
        """\
Three pictures of the same starting points: which two things, label and scale, does each of
the three modes need, and what do all three share?""",
        """\
sample_conditional of step 7 can do all three: the null class is a label like any other, and
w = 1 costs one evaluation a sample. Draw the noise once, if it is not given, and hand the
same tensor over three times.""",
        """\
noise not given: N(0, 1), (N, C, H, W), from the generator, on its device
a small function of a label and a scale:
    sample_conditional for N times that label, with that scale and this noise,
    and with everything else handed on
a dict: "unconditional" is the null class at 1, "conditional" the target at 1,
    "guided" the target at cfg_scale""",
    ),
    10: (
        """\
There are two means in this step. A correlation compares the shapes of two rows, whatever their
level; PCA asks how rows differ from the average row. Over which axis is each mean taken?""",
        """\
A correlation is a cosine between rows that have lost their own mean: centre each row, divide
it by its length (np.linalg.norm with axis and keepdims), and multiply the matrix with its
transpose. np.linalg.svd with full_matrices=False gives U, S and V transposed, largest first;
the map is U times S, or the centred rows times V. Make new arrays, change none.""",
        """\
similarity_matrix
    every row minus its own mean (axis 1, keepdims)
    every row over its own length; that matrix times its transpose
simple_pca
    every row minus the mean row (axis 0)
    the SVD of that, without full matrices; the first n rows of V transposed
    the centred rows, projected on them""",
    ),
}
