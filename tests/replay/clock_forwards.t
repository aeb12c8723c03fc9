# An hour in one step (suspend, or a clock set forwards): no hold of an hour, no flight over it.
down a 1000
up a 1090
down s 1200
down d 3601200
up s 3601250
up d 3601300

hold left little finger 90
flight left hand to left hand 110
hold left middle finger 100
