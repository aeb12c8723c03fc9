# Two words at leisure: every key is up before the next goes down.
down s 1000
up s 1090
down o 1200
up o 1285
down space 1400
up space 1460
down a 1600
up a 1701.5

hold left ring finger 90
flight left hand to right hand 110
hold right ring finger 85
flight right hand to space bar 115
hold space bar 60
flight space bar to left hand 140
hold left little finger 101.5
