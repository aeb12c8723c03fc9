# Five keys down at once, released in another order. A flight is known when both its ends are: the
# release of the first key and the press of the second.
down a 0
down j 20
down s 40
down space 60
down k 80
up s 100
up a 130
up k 170
up j 220
up space 250
down l 300
up l 380

hold left ring finger 60
flight left hand to space bar -40
hold left little finger 130
flight left hand to right hand -110
hold right middle finger 90
hold right index finger 200
flight right hand to left hand -180
hold space bar 190
flight space bar to right hand -170
flight right hand to right hand 130
hold right ring finger 80
