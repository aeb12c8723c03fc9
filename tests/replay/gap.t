# Events were lost (SYN_DROPPED): keys held then are forgotten, their releases mean nothing.
down a 1000
up a 1100
down s 1200
down d 1250
gap
up s 1300
up d 1320
down f 1400
up f 1470

hold left little finger 100
flight left hand to left hand 100
hold left index finger 70
