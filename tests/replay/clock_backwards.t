# The clock was set back: everything held is forgotten, no flight leads over the jump.
down a 90000
up a 90080
down s 90200
down d 2000
up s 2050
up d 2100
down f 2200
up f 2300

hold left little finger 80
flight left hand to left hand 120
hold left middle finger 100
flight left hand to left hand 100
hold left index finger 100
