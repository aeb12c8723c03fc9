# The finest level that exists outside the evaluation tool.
level fingerrow
down d1 0
up d1 80
down z 200
up z 290

hold left little finger on the number row 80
flight left little finger on the number row to left little finger on the bottom row 120
hold left little finger on the bottom row 90
