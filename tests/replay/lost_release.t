# The release of the first a never came: the second press of a says so.
down s 1000
down a 1050
up s 1100
down a 1300
up a 1400
down f 1500
up f 1580

hold left ring finger 100
flight left hand to left hand -50
hold left little finger 100
flight left hand to left hand 100
hold left index finger 80
