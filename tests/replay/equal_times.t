# A recorder with a coarse clock stamps everything alike.
down a 1000
up a 1000
down l 1000
up l 1000

hold left little finger 5
flight left hand to right hand 0
hold right ring finger 5
