class A:
    def part(self, s):
        return self


class BatchDegrader:
    def __init__(self, name, scale):
        self.clean = name == "clean"

    def draw(self, random, count):
        return A()

    def degrade(self, hr, lr, amounts, normal):
        return (lr + 8 * normal(tuple(lr.shape))).round().clamp(0, 255)
