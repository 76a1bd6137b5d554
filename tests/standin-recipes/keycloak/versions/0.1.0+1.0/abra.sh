# This recipe has no configs whose versions would stand here.
